// A failure of one link of the core, played on the map: what is rerouted, which links fill, what is cut off.
import { make } from "./panel.js";
import { numberText, roundShareText, shareText, word } from "./words.js";

const PAUSE_MS = 1100; // time to see the core as it is
const CHANGED_FRAC = 0.005; // of a link's capacity, as in service/failing.py
const FAILED = "#b3122e";
/** Share of its capacity that a link carries: upper end, colour. */
const LOADS = [[0.5, "#9ccbb0"], [0.8, "#4fa3a5"], [0.95, "#2f6f96"], [Infinity, "#c9621a"]];
const PLAIN_PX = 2.2;
const RISEN_PX = 5.5;
const FAILED_PX = 5;

const colourOf = (share) => LOADS.find(([end]) => share <= end)[1];

/** Return the lines to draw: `isAfter` says whether the link has failed yet. */
function drawn(lines, reply, isAfter) {
  const loads = new Map(reply.links.map((link) => [link.link_id, link]));
  const parts = lines.filter(({ id }) => loads.get(id)?.capacity_gbps > 0).map(({ id, line }) => {
    const { capacity_gbps: capacity, before_gbps: before, after_gbps: after } = loads.get(id);
    if (isAfter && id === reply.link_id) return { id, line, colour: FAILED, width: FAILED_PX, isFailed: true };
    const isRisen = isAfter && after - before > CHANGED_FRAC * capacity;
    return { id, line, colour: colourOf((isAfter ? after : before) / capacity), width: isRisen ? RISEN_PX : PLAIN_PX, isFailed: false };
  });
  const rank = (part) => (part.isFailed ? 2 : part.width > PLAIN_PX ? 1 : 0);
  return parts.sort((a, b) => rank(a) - rank(b));
}

function figure(key, value, hint) {
  return make("div", { class: "figure" }, make("span", { class: "name" }, word(key)), make("span", { class: "value number" }, value), hint ? make("span", { class: "sure" }, hint) : null);
}

function amounts(reply) {
  const gbps = (value) => `${numberText(value)} Gbit/s`;
  const rows = [figure("failStruck", gbps(reply.struck_gbps), word("failOfAll", { share: `\u2066${shareText(reply.struck_gbps / reply.demand_gbps)}\u2069` }))];
  const part = (value) => (reply.struck_gbps > 0 ? roundShareText(value / reply.struck_gbps) : "–");
  const longer = word("failLonger", { km: `\u2066${numberText(Math.round(reply.added_km))}\u2069`, ms: `\u2066${numberText(reply.added_rtt_ms)}\u2069` });
  rows.push(figure("failRerouted", gbps(reply.rerouted_gbps), `${part(reply.rerouted_gbps)} · ${longer}`));
  rows.push(figure("failWaiting", gbps(reply.waiting_gbps), reply.waiting_gbps > 0 ? word("failWaitingHint") : ""));
  const cities = reply.cut_cities.length ? word("failCities", { names: reply.cut_cities.join(", ") }) : word("failNoCity");
  rows.push(figure("failCutOff", gbps(reply.cut_off_gbps), cities));
  rows.push(figure("failFilled", numberText(reply.n_filled), word("failChanged", { n: `\u2066${reply.n_changed}\u2069` })));
  return make("div", {}, ...rows);
}

function line(colour, width, dash) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 18 10");
  svg.innerHTML = `<path d="M0 5h18" stroke="${colour}" stroke-width="${width}"${dash ? ' stroke-dasharray="4 2.5"' : ""}/>`;
  return make("span", { class: "swatch", "aria-hidden": "true" }, svg);
}

function legend() {
  const ends = LOADS.map(([end]) => Math.round(100 * end));
  const texts = [`0 – ${ends[0]} %`, `${ends[0]} – ${ends[1]} %`, `${ends[1]} – ${ends[2]} %`, `> ${ends[2]} %`];
  return make("ul", { class: "legend" },
    make("li", {}, line(FAILED, 3.5, true), word("failThis")),
    ...LOADS.map(([, colour], k) => make("li", {}, line(colour, 2.5), make("span", {}, make("span", { class: "number" }, texts[k]), ` ${word("failInUse")}`))),
    make("li", {}, line("#55606e", 5), word("failRisen")));
}

/** Return a player on a map: `play(panel, id)` fails a link and tells what follows, `stop()` clears the map. */
export function createFailures(map, json) {
  let core = null;
  let turn = 0;
  let timer = 0;

  function show(reply, buttons, isAfter) {
    map.play(drawn(core, reply, isAfter));
    for (const [k, button] of buttons.entries()) button.setAttribute("aria-checked", String(Boolean(k) === isAfter));
    document.body.dataset.failure = isAfter ? "after" : "before";
  }
  function stop() {
    turn += 1;
    clearTimeout(timer);
    delete document.body.dataset.failure;
    map.play(null);
  }
  async function play(panel, id) {
    stop();
    const mine = turn;
    const [lines, reply] = await Promise.all([core ?? json("/api/core"), json(`/api/failure/${encodeURIComponent(id)}`)]);
    if (mine !== turn) return;
    core = lines;
    const buttons = ["failBefore", "failAfter"].map((key, k) => make("button", { type: "button", role: "radio", onclick: () => { clearTimeout(timer); show(reply, buttons, Boolean(k)); } }, word(key)));
    const title = make("h3", {}, word("failTitle"), reply.fidelity === "simple" ? make("span", { class: "badge" }, word("simple")) : null);
    panel.querySelector(".chips").after(make("section", { class: "failure" }, title,
      make("div", { class: "years", role: "radiogroup", "aria-label": word("failTitle") }, ...buttons),
      amounts(reply), legend(), make("p", { class: "hint" }, word("failHow"))));
    panel.querySelector("#detail-title").firstChild.textContent = reply.name;
    show(reply, buttons, false);
    const pause = window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : PAUSE_MS;
    timer = setTimeout(() => show(reply, buttons, true), pause);
  }
  return { play, stop };
}
