// A named event, played on the map hour by hour: which places are served, on battery, on generator, dark or cut off.
import { unpack } from "./map_canvas.js";
import { createOverlay } from "./overlay.js";
import { make } from "./panel.js";
import { numberText, roundShareText, shareText, word } from "./words.js";

const COLOURS = { supply: "#b9cbc1", battery: "#efcf6c", generator: "#e8a065", dark: "#20242e", damaged: "#b3122e", cut_off: "#7a44b0" };
const FAILED = ["dark", "damaged", "cut_off"]; // the places without service
const DOWN = ["dark", "damaged"]; // sites that do not work themselves
const POLL_MS = 350;
const PLAY_MS = 15_000; // a whole event
const STEP_MS = [150, 420]; // shortest and longest time to look at an hour
const CALM_STEP_MS = 900; // where motion is to be reduced
const CALM_STEPS = 24; // pictures of a whole event there
const CHART_HOURS = 48; // up to it the axis tells hours, then days
const MAX_TICKS = 7;
const isCalm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
const isolated = (text) => `\u2066${text}\u2069`;

/** Return head and states (hour after hour, one byte a place) of an event's file; see service/event_states.py. */
export function decode(buffer) {
  const size = new DataView(buffer).getInt32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size)));
  const bytes = new Uint8Array(buffer.slice(4 + size));
  for (let k = head.n_places; k < bytes.length; k += 1) bytes[k] ^= bytes[k - head.n_places];
  return { head, hour: (t) => bytes.subarray(t * head.n_places, (t + 1) * head.n_places) };
}

const sum = (head, counts, names) => names.reduce((total, name) => total + counts[head.states.indexOf(name)], 0);

function swatch(colour) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 18 10");
  svg.innerHTML = `<circle cx="9" cy="5" r="4.5" fill="${colour}"/>`;
  return make("span", { class: "swatch", "aria-hidden": "true" }, svg);
}

function reportText(head, report) {
  const show = (value) => isolated(report.what === "n_sites_down" ? numberText(Math.round(value)) : shareText(value));
  return word("eventReport", {
    hour: isolated(report.hour), what: word(report.what), reported: show(report.reported), predicted: show(report.predicted),
    low: show(report.low), high: show(report.high), fits: word(report.is_in_band ? "eventInBand" : "eventOffBand"),
  });
}

/** Return the shares drawn over time: of all sites that are down, or of all people without service. */
function shares(head) {
  if (head.counts === "people") return head.without_people.map((value) => value / Math.max(1, head.n_people));
  return head.sites.map((counts) => sum(head, counts, DOWN) / Math.max(1, head.n_sites));
}

function ticks(nHours) {
  const [unit, key] = nHours <= CHART_HOURS ? [1, "eventHourShort"] : [24, "eventDayShort"];
  const step = [1, 2, 3, 6, 12, 24].find((each) => (nHours - 1) / (each * unit) <= MAX_TICKS) ?? 48;
  const found = [];
  for (let n = 0; n * unit < nHours; n += step) found.push([n * unit, word(key, { n: isolated(n + (unit > 1 ? 1 : 0)) })]);
  return found;
}

/** Return the chart: band and course as SVG, reports as buttons that lead to their hour. */
function chart(head, seek) {
  const line = shares(head);
  const end = Math.max(1, head.n_hours - 1);
  const top = 1.08 * Math.max(1e-6, ...line, ...head.line.high, ...head.reports.map((each) => each.share));
  const at = (hour, share) => `${((1000 * hour) / end).toFixed(1)} ${(100 - (100 * share) / top).toFixed(2)}`;
  const hours = head.line.hour;
  const band = [...hours.map((hour, k) => at(hour, head.line.high[k])), ...hours.map((hour, k) => at(hour, head.line.low[k])).reverse()];
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 1000 100");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  svg.innerHTML = `${band.length > 2 ? `<path class="band" d="M${band.join("L")}Z"/>` : ""}<path class="course" d="M${line.map((share, hour) => at(hour, share)).join("L")}"/>`;
  const needle = make("span", { class: "needle", "aria-hidden": "true" });
  const marks = head.reports.map((report) => {
    const text = reportText(head, report);
    const mark = make("button", { type: "button", class: "mark", title: text, "aria-label": text, onclick: () => seek(report.hour) });
    mark.style.left = `${(100 * report.hour) / end}%`;
    mark.style.bottom = `${(100 * report.share) / top}%`;
    return mark;
  });
  const scale = make("span", { class: "top number", "aria-hidden": "true" }, roundShareText(top / 1.08));
  const axis = make("div", { class: "ticks", "aria-hidden": "true" }, ...ticks(head.n_hours).map(([hour, text]) => {
    const tick = make("span", {}, text);
    tick.style.left = `${(100 * hour) / end}%`;
    return tick;
  }));
  return { plot: make("div", { class: "plot" }, svg, scale, needle, ...marks), axis, move: (hour) => { needle.style.left = `${(100 * hour) / end}%`; } };
}

function how(head) {
  const lines = [word("eventHow", { n: isolated(head.n_draws) }), `${word("eventInputs")} ${head.inputs_note}.`];
  if (head.source) lines.push(`${word("source")}: ${head.source}`);
  const reports = head.reports.map((report) => make("li", {}, reportText(head, report)));
  return make("details", { class: "how" }, make("summary", {}, word(reports.length ? "eventReports" : "eventAbout")),
    reports.length ? make("ul", {}, ...reports) : null, ...lines.map((text) => make("p", { class: "hint" }, text)));
}

/** Return a player in `panel`: `choose(select)` fills the list, `open(id, hour)` plays, `close()` ends. */
export function createEvents({ map, json, panel, stage, onOpen, onSize, onHour, onClose }) {
  const overlay = createOverlay(stage, map);
  const state = { choices: [], id: null, event: null, hour: 0, timer: 0, turn: 0, places: null, parts: null, select: null, problem: null };

  function show(hour, isQuiet = false) {
    const { head } = state.event;
    state.hour = Math.max(0, Math.min(head.n_hours - 1, hour));
    const t = state.hour;
    overlay.show(state.places, state.event.hour(t), head.states.map((name) => COLOURS[name]));
    const { slider, chart: drawn, clock, people, sites, legend, said } = state.parts;
    drawn.move(t);
    slider.value = String(t);
    const clockText = word(head.n_hours <= CHART_HOURS ? "eventHour" : "eventDay", { hour: isolated(t), day: isolated(Math.floor(t / 24) + 1) });
    const lost = head.without_people[t];
    const down = sum(head, head.sites[t], DOWN);
    clock.textContent = clockText;
    people.replaceChildren(make("b", { class: "number" }, numberText(lost)), ` ${word(head.region ? "eventPeopleOf" : "eventPeople", { share: isolated(roundShareText(lost / Math.max(1, head.n_people))), region: word(head.region ?? "") })}`);
    sites.replaceChildren(make("b", { class: "number" }, numberText(down)), ` ${word("eventSites", { total: isolated(numberText(head.n_sites)), cut: isolated(numberText(sum(head, head.sites[t], ["cut_off"]))) })}`);
    head.states.forEach((name, k) => { legend.get(name).textContent = numberText(head.places[t][k]); });
    const text = `${clockText}: ${people.textContent}; ${sites.textContent}`;
    slider.setAttribute("aria-valuetext", text);
    if (!isQuiet) { said.textContent = text; onHour(); }
    panel.dataset.hour = String(t);
  }

  /* ---- playing ---- */
  const isPlaying = () => state.timer !== 0;
  function setPlaying(isOn) {
    clearInterval(state.timer);
    state.timer = 0;
    const { head } = state.event;
    if (isOn) {
      const calm = isCalm();
      const wanted = PLAY_MS / head.n_hours;
      const pause = calm ? CALM_STEP_MS : Math.max(STEP_MS[0], Math.min(STEP_MS[1], wanted));
      const step = calm ? Math.ceil(head.n_hours / CALM_STEPS) : Math.max(1, Math.round(STEP_MS[0] / wanted));
      if (state.hour >= head.n_hours - 1) show(0, true);
      state.timer = setInterval(() => {
        show(state.hour + step, true);
        if (state.hour >= head.n_hours - 1) setPlaying(false);
      }, pause);
    } else if (state.parts) show(state.hour);
    const { button } = state.parts;
    const key = isOn ? "eventPause" : "eventPlay";
    button.setAttribute("aria-label", word(key));
    button.title = word(key);
    button.dataset.playing = String(isOn);
  }
  function seek(hour) { if (isPlaying()) setPlaying(false); show(hour); }

  /* ---- the panel ---- */
  function head(title) {
    return make("div", { class: "player-head" }, make("h2", { class: "title" }, title),
      make("button", { class: "close", type: "button", "aria-label": word("close"), title: word("close"), onclick: () => close(true) }, "×"));
  }
  function nameNow() { return word(state.choices.find((each) => each.named_event_id === state.id)?.name ?? state.id); }
  function progress({ step, done_frac: done }) {
    const known = panel.querySelector("progress");
    if (known) {
      known.value = done;
      panel.querySelector(".step").textContent = word(`eventStep_${step}`);
      return;
    }
    panel.replaceChildren(head(nameNow()), make("div", { class: "waiting", role: "status" },
      make("progress", { max: "1", value: String(done), "aria-label": word("eventPreparing") }), make("span", { class: "step" }, word(`eventStep_${step}`))));
  }
  function render() {
    if (panel.hidden) return;
    if (state.problem) { panel.replaceChildren(head(nameNow()), make("p", { class: "problem", role: "alert" }, state.problem)); return; }
    if (!state.event) return;
    const { head: facts } = state.event;
    const button = make("button", { class: "play", type: "button", onclick: () => setPlaying(!isPlaying()) });
    button.innerHTML = '<svg viewBox="0 0 16 16" aria-hidden="true"><path class="go" d="M4 2.5v11l9.5-5.5z"/><path class="hold" d="M4 2.5h3v11H4zM9.5 2.5h3v11h-3z"/></svg>';
    const slider = make("input", { type: "range", min: "0", max: String(facts.n_hours - 1), step: "1", value: "0", "aria-label": word("eventTime") });
    slider.addEventListener("input", () => seek(Number(slider.value)));
    const drawn = chart(facts, seek);
    const [clock, people, sites] = [make("span", { class: "clock" }), make("span", { class: "amount" }), make("span", { class: "amount" })];
    const legend = new Map(facts.states.map((name) => [name, make("span", { class: "count number" })]));
    const said = make("p", { class: "said", role: "status" });
    const isScenario = facts.evidence === "assumed" ? make("span", { class: "badge" }, word("eventScenario")) : null;
    const title = head(nameNow());
    title.querySelector("h2").append(" ", isScenario ?? "");
    const money = facts.revenue_lost_usd?.map((value) => isolated(numberText(Number(value.toPrecision(2)))));
    const lost = money ? ` ${word("eventRevenue", { low: money[0], middle: money[1], high: money[2] })}` : "";
    const list = make("ul", { class: "legend", "aria-label": word("eventPlaces") },
      ...facts.states.map((name) => make("li", {}, swatch(COLOURS[name]), make("span", {}, word(`event_${name}`)), legend.get(name))));
    panel.replaceChildren(title, make("div", { class: "now" }, button, clock, people, sites),
      make("p", { class: "hint caption" }, word(facts.counts === "people" ? "eventChartPeople" : "eventChartSites"), lost),
      make("div", { class: "timeline", dir: "ltr" }, drawn.plot, slider, drawn.axis), list, how(facts), said);
    state.parts = { slider, chart: drawn, clock, people, sites, legend, said, button };
    setPlaying(isPlaying());
  }

  /* ---- loading ---- */
  async function load(id, mine) {
    for (;;) {
      const reply = await fetch(`/api/event/${encodeURIComponent(id)}`);
      if (mine !== state.turn) return null;
      if (reply.status === 202) {
        progress(await reply.json());
        await new Promise((resolve) => { setTimeout(resolve, POLL_MS); });
        if (mine !== state.turn) return null;
      } else if (reply.ok) return decode(await reply.arrayBuffer());
      else {
        const problem = (await reply.json().catch(() => ({}))).errors?.[0];
        throw new Error(problem ? `${problem.what}: ${problem.cure}` : String(reply.status));
      }
    }
  }
  async function open(id, hour = null) {
    clear();
    const mine = state.turn;
    state.id = id;
    if (state.select) state.select.value = id;
    panel.hidden = false;
    progress({ step: "reading", done_frac: 0 });
    onOpen(id);
    try {
      state.places ??= await fetch("/api/event-places.bin").then((reply) => reply.arrayBuffer()).then(unpack);
      const event = await load(id, mine);
      if (!event || mine !== state.turn) return;
      if (event.head.n_places !== state.places.nFeatures) throw new Error(word("eventOtherPlan"));
      state.event = event;
      state.hour = hour ?? 0;
      render();
      onSize();
      if (hour === null && !isCalm()) setPlaying(true);
    } catch (error) {
      if (mine !== state.turn) return;
      state.problem = `${word("failed")}: ${error.message}`;
      render();
      onSize();
    }
  }
  function clear() {
    state.turn += 1;
    clearInterval(state.timer);
    Object.assign(state, { timer: 0, event: null, parts: null, problem: null, id: null });
    delete panel.dataset.hour;
    overlay.clear();
  }
  function close(isFocused = false) {
    if (panel.hidden) return;
    clear();
    panel.hidden = true;
    panel.replaceChildren();
    if (state.select) { state.select.value = ""; if (isFocused) state.select.focus(); }
    onClose();
  }
  panel.addEventListener("keydown", (event) => { if (event.key === "Escape") { close(true); event.stopPropagation(); } });

  /* ---- one place ---- */
  /** Tell in a row's panel how the place fares through the event. */
  function describe(panelOfRow, index) {
    if (!state.event) return;
    const { head: facts } = state.event;
    const own = Array.from({ length: facts.n_hours }, (_, t) => state.event.hour(t)[index]);
    const lost = own.filter((each) => FAILED.includes(facts.states[each])).length;
    const runs = [];
    own.forEach((each, t) => { if (runs.at(-1)?.state === each) runs.at(-1).n += 1; else runs.push({ state: each, from: t, n: 1 }); });
    const strip = make("div", { class: "strip", dir: "ltr", "aria-hidden": "true" }, ...runs.map((run) => {
      const part = make("span", { title: `${word(`event_${facts.states[run.state]}`)} · ${run.from}–${run.from + run.n - 1}` });
      part.style.cssText = `flex:${run.n};background:${COLOURS[facts.states[run.state]]}`;
      return part;
    }));
    const text = word(lost ? "eventPlaceLost" : "eventPlaceKept", { n: isolated(lost), total: isolated(facts.n_hours) });
    panelOfRow.querySelector(".chips")?.after(make("section", { class: "event-place" }, make("h3", {}, nameNow()), strip, make("p", { class: "hint" }, text)));
  }

  return {
    async list(select) {
      state.select = select;
      state.choices = await json("/api/events");
      select.addEventListener("change", () => { if (select.value) open(select.value); else close(); });
      return state.choices;
    },
    /** Write the list and the panel in the language in use. */
    words() {
      const [none, ...options] = [["", word("eventNone")], ...state.choices.map((each) => [each.named_event_id, word(each.name)])].map(([value, text]) => make("option", { value }, text));
      state.select.replaceChildren(none, ...options);
      state.select.value = state.id ?? "";
      render();
    },
    open, close, describe,
    at: (point) => overlay.at(point),
    get isOpen() { return !panel.hidden; },
    get id() { return state.id; },
    get hour() { return state.hour; },
    drawn: () => overlay.drawn(),
  };
}
