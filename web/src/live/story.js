// One incident's story: what broke, what it means now and next, why we think so, what to do, and what people wrote.
import { make } from "/map/panel.js";
import { askWhatIf, durationText, json, numberText, timeText, titleOf } from "./common.js";
import { roundShareText } from "/map/words.js";
import { createDuty } from "./duty.js";
import { hasWord, word } from "./words.js";

const N_NAMES = 12;
const N_EVIDENCE = 4;
const PAD_FRAC = 1.12;

function facts(items) {
  return make("ul", { class: "facts" }, ...items.map((each) => make("li", {}, make("bdi", {}, each))));
}

function section(key, ...children) {
  return make("section", {}, make("h3", {}, word(key)), ...children);
}

function named(names) {
  const some = names.slice(0, N_NAMES).map((each) => `\u2068${each}\u2069`).join(", ");
  return names.length > N_NAMES ? `${some} ${word("more", { n: names.length - N_NAMES })}` : some;
}

/** Return the customers without service from now on, step by step as foreseen. */
function chart(story, nowS) {
  const steps = story.forecast.filter((each) => each.at_s > nowS).sort((a, b) => a.at_s - b.at_s);
  if (!steps.length) return make("p", { class: "hint" }, word("forecastNone"));
  const end = steps.at(-1).at_s + 0.15 * (steps.at(-1).at_s - nowS);
  let level = story.customers_without_service;
  const points = [[nowS, level]];
  for (const step of steps) {
    points.push([step.at_s, level]);
    level = story.customers_without_service + step.n_customers; // told as all that is lost by then
    points.push([step.at_s, level]);
  }
  points.push([end, level]);
  const top = PAD_FRAC * Math.max(1, level);
  const at = ([t, n]) => `${((1000 * (t - nowS)) / Math.max(1, end - nowS)).toFixed(1)} ${(100 - (100 * n) / top).toFixed(1)}`;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 1000 100");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", word("nextHours"));
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("class", "area");
  path.setAttribute("d", `M0 100L${points.map(at).join("L")}L1000 100Z`);
  svg.append(path);
  const axis = make("div", { class: "axis" }, make("span", {}, `${timeText(nowS)} · ${numberText(story.customers_without_service)}`), make("span", {}, `${timeText(end)} · ${numberText(level)}`));
  return make("div", { class: "chart" }, svg, axis);
}

/** Return the panel's story: `open(id)`, `close()`, `refresh(state)`. */
export function createStory({ panel, onClose, onAct, onToggle }) {
  let id = null;
  let seen = "";
  let nowS = 0;
  const duty = createDuty();

  function buttons(story) {
    const { state } = story.operator;
    const button = (text, key, handler, kind = "") => make("button", { type: "button", class: kind, onclick: handler }, text, key ? make("kbd", {}, key) : null);
    return make("div", { class: "buttons" },
      button(word(state === "ack" ? "unack" : "ack"), "a", () => onToggle("ack"), state === "ack" ? "" : "main"),
      button(word(state === "shelved" ? "unshelve" : "shelve"), "s", () => onToggle("shelve")),
      state === "closed" ? null : button(word("close"), "", () => onAct("close")));
  }
  function noteForm() {
    const input = make("input", { type: "text", maxlength: "500", placeholder: word("notePlaceholder"), "aria-label": word("notePlaceholder") });
    const form = make("form", { class: "add-note" }, input, make("button", {}, word("addNote")));
    form.addEventListener("submit", (event) => { event.preventDefault(); if (input.value.trim()) { onAct("note", input.value.trim()); input.value = ""; input.blur(); } });
    return form;
  }
  function whatIfForm() {
    const input = make("input", { type: "text", placeholder: word("whatIfPlaceholder"), "aria-label": word("whatIfPlaceholder") });
    const answer = make("p", { class: "hint", role: "status" });
    const form = make("form", { class: "what-if" }, input, make("button", {}, word("ask")));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        const found = await askWhatIf([input.value.trim()]);
        answer.textContent = word("whatIfAnswer", { n: numberText(found.more_customers), total: numberText(found.customers_without_service) });
      } catch (error) { answer.textContent = error.message; }
    });
    return make("div", {}, form, answer);
  }
  function why(story) {
    if (!story.evidence.length) return null;
    const rest = story.evidence.slice(N_EVIDENCE);
    return section("why", make("p", {}, word(story.rivals.length ? "whyRivals" : "whyText", { n: numberText(story.n_symptoms), rivals: story.rivals.slice(0, 3).join(", ") })), facts(story.evidence.slice(0, N_EVIDENCE)),
      rest.length ? make("details", {}, make("summary", { class: "hint" }, word("more", { n: rest.length })), facts(rest)) : "");
  }
  function symptoms(story) {
    const rows = story.symptoms.map((alarm) => make("tr", {},
      make("td", { class: "t", dir: "ltr" }, timeText(alarm.raised_s)),
      make("td", { class: "d" }, make("span", { class: `dot ${alarm.is_cleared ? "cleared" : alarm.severity}`, title: alarm.is_cleared ? "cleared" : alarm.severity })),
      make("td", {}, make("bdi", {}, alarm.name || alarm.resource), alarm.name && alarm.name !== alarm.resource ? make("div", { class: "hint" }, make("bdi", {}, alarm.resource)) : "", alarm.is_known ? "" : make("span", { class: "chip warn" }, word("unknownThing"))),
      make("td", {}, make("bdi", {}, alarm.type), alarm.text ? make("div", { class: "hint" }, make("bdi", {}, alarm.text)) : "")));
    const more = story.n_symptoms - rows.length;
    return section("symptoms", make("p", { class: "hint" }, word("symptomsHint")), make("table", {}, make("tbody", {}, ...rows)), more > 0 ? make("p", { class: "hint" }, word("more", { n: numberText(more) })) : null);
  }
  function render(story) {
    const held = panel.contains(document.activeElement) ? document.activeElement : null;
    const drafts = [...panel.querySelectorAll("form input")].map((input) => input.value);
    const focused = held instanceof HTMLInputElement ? [...panel.querySelectorAll("form input")].indexOf(held) : -1;
    const impact = (value, key, isBad) => make("div", { class: isBad && value ? "bad" : "" }, make("b", { dir: "ltr" }, numberText(value)), word(key));
    const list = (key, items) => (items?.length ? section(key, facts(items)) : null);
    const { operator } = story;
    panel.replaceChildren(...[
      make("div", { class: "story-head" }, make("h2", { id: "story-title" }, titleOf(story)), make("button", { type: "button", class: "x", "aria-label": word("back"), title: word("back"), onclick: onClose }, "×")),
      make("p", { class: "hint" }, `${word("since", { time: `${timeText(story.opened_s)} UTC` })} · ${durationText((story.is_open ? nowS : story.changed_s) - story.opened_s)} · ${word("confidence", { share: roundShareText(story.confidence) })}`),
      make("div", { class: "impact" }, impact(story.customers_without_service, "customers", true), impact(story.n_places, "places"), impact(story.mbps_lost, "mbps")),
      operator.state === "none" ? null : make("p", {}, make("span", { class: "chip ok" }, word({ ack: "acked", shelved: "shelved", closed: "closed" }[operator.state], { who: operator.by }))),
      buttons(story),
      operator.note ? make("p", { class: "note" }, make("bdi", {}, operator.note)) : null,
      noteForm(),
      story.is_open ? section("nextHours", chart(story, nowS), story.forecast.length ? facts(story.forecast.filter((each) => each.at_s > nowS).slice(0, 4).map((each) => word("forecastIn", { time: durationText(each.at_s - nowS), what: each.what }))) : null) : null,
      list("actions", (story.action_words ?? []).map(([key, values]) => (hasWord(key) ? word(key, values) : key))),
      story.is_open ? duty.of(story.incident_id) : null,
      why(story),
      story.protection_lost_for?.length ? section("protection", make("p", {}, named(story.protection_lost_for))) : null,
      story.next_single_failure_that_isolates?.length ? section("nextFailure", make("p", {}, named(story.next_single_failure_that_isolates))) : null,
      list("hints", story.hints.map((each) => `${each.cause} → ${each.effect} (${roundShareText(each.confidence)})`)),
      story.is_open ? section("whatIf", whatIfForm()) : null,
      symptoms(story),
    ].filter(Boolean));
    const inputs = [...panel.querySelectorAll("form input")];
    drafts.forEach((text, k) => { if (inputs[k]) inputs[k].value = text; });
    if (focused >= 0) inputs[focused]?.focus();
  }
  async function load(isForced) {
    const mine = id;
    const story = await json(`/api/live/incidents/${encodeURIComponent(mine)}`);
    if (mine !== id) return;
    const now = JSON.stringify(story);
    if (now === seen && !isForced) return;
    seen = now;
    render(story);
  }
  return {
    async open(next) {
      const isNew = next !== id;
      id = next;
      panel.hidden = false;
      if (isNew) { panel.scrollTop = 0; panel.querySelectorAll("form input").forEach((input) => { input.value = ""; }); }
      try { await load(true); } catch (error) { panel.replaceChildren(make("p", { class: "hint" }, error.message), make("button", { type: "button", class: "x", onclick: onClose }, "×")); }
    },
    close() { id = null; seen = ""; panel.hidden = true; panel.replaceChildren(); },
    async refresh(state, isForced = false) { nowS = state.now_s; if (id) await load(isForced).catch(() => {}); },
  };
}
