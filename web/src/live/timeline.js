// Events by the minute and the newest of them; after a pause it asks for what lies behind its position.
import { make } from "/map/panel.js";
import { numberText, timeText } from "./common.js";
import { word } from "./words.js";

const LIMIT = 200;
const SHOWN = 60;
const BARS = 90; // minutes

/** Return the timeline; `refresh(state)` brings it up to the state's position. */
export function createTimeline({ bars, list, rate }) {
  let position = -1;
  let rows = [];
  let missed = false;

  function row(event) {
    return make("li", {},
      make("span", { dir: "ltr" }, timeText(event.at_s)),
      make("span", { class: `dot ${event.severity}`, title: event.severity }),
      make("span", { class: "thing", title: event.resource }, make("bdi", {}, event.name || event.resource)),
      make("span", {}, make("bdi", {}, event.fields?.action ?? event.type)),
      make("span", { class: "said-text", title: event.text }, make("bdi", {}, event.text || event.source)));
  }
  return {
    async refresh(state) {
      // A journal that is shorter than what was seen is another one.
      if (state.position < position) { position = -1; rows = []; }
      if (state.position !== position) {
        const reply = await fetch(`/api/live/timeline?after=${Math.max(position, 0)}&limit=${LIMIT}`);
        if (reply.ok) {
          const { events, position: newest, is_whole: isWhole } = await reply.json();
          missed = !isWhole;
          rows = [...events.reverse(), ...(isWhole ? rows : [])].slice(0, LIMIT);
          position = newest;
        }
      }
      const minutes = state.minutes ?? [];
      const own = minutes.slice(-BARS);
      const top = Math.max(1, ...own.map((each) => each.n));
      bars.replaceChildren(...own.map((each) => {
        const bar = make("i", { title: `${timeText(each.at_s)}: ${each.n}`, class: each.n_critical * 2 > each.n ? "hot" : "" });
        bar.style.height = `${(100 * each.n) / top}%`;
        return bar;
      }));
      bars.setAttribute("aria-label", word("timeTitle"));
      rate.textContent = own.length ? `${numberText(own.at(-1).n)} ${word("events")}` : "";
      const tail = missed ? [make("li", {}, make("span", {}), make("span", {}), make("span", {}, word("missed", { n: numberText(Math.max(0, position - rows.length)) })))] : [];
      list.replaceChildren(...rows.slice(0, SHOWN).map(row), ...tail);
      list.dataset.position = String(position);
    },
  };
}
