// The page: loads the plan, chooses WebGL or canvas, and wires layers, search, years and panel together.
import { createLabels, createScale } from "./labels.js";
import { createCanvasMap } from "./map_canvas.js";
import { createEvents } from "./event.js";
import { createFailures } from "./failure.js";
import { createHops, hopOf } from "./hop.js";
import { createSky } from "./sky.js";
import { createStage } from "./stage.js";
import { make, showRow } from "./panel.js";
import { boundsOf } from "./style_rules.js";
import { currentLanguage, nameOf, numberText, roundShareText, setLanguage, shareText, unitText, word } from "./words.js";

const WORLD = [-170, -60, 170, 75];
const SEARCH_PAUSE_MS = 120;
const FOCUS_ZOOM = 9;
const FIRST_FIGURES = 4;
const FIRST_LEGEND = 9;
const WHOLE_ZOOM = 6.5; // below it the reader looks at the country as a whole
const CORE_TABLE = "backbone_capacity"; // a click on it plays its failure
const PLACES = "places"; // a place of the plan has a sky
const EVENT = "event"; // first word of the address of a played event
const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const state = { plan: null, layers: [], visible: new Set(), covered: [], year: 1, map: null, labels: null, rows: [], allFigures: false };

async function json(path) {
  const reply = await fetch(path);
  if (!reply.ok) throw new Error(`${path}: ${reply.status}`);
  return reply.json();
}

/* ---- figures ---- */
function figureText(row) {
  const isShare = row.unit === "share" || row.unit === "frac" || row.indicator_id.endsWith("_frac");
  if (isShare) return [row.value > 0.999 && row.value < 1 ? "> 99.9 %" : shareText(row.value), ""];
  return [numberText(row.value), unitText(row.unit)];
}

function showFigures() {
  const year = state.plan.years[state.year ? 1 : 0];
  const all = state.plan.indicators;
  const rows = all.filter((row) => row.year === year && row.how_sure);
  const rank = (row) => (state.plan.headlines.indexOf(row.indicator_id) + 1 || state.plan.headlines.length + 1);
  const ordered = [...rows].sort((a, b) => rank(a) - rank(b) || a.indicator_id.localeCompare(b.indicator_id));
  const headlines = ordered.filter((row) => state.plan.headlines.includes(row.indicator_id)).slice(0, FIRST_FIGURES);
  const shown = state.allFigures ? ordered : headlines;
  const nodes = shown.map((row) => {
    const [value, unit] = figureText(row);
    const range = row.value_low !== null && row.value_high !== null && row.value_low !== undefined
      ? `${word("range", { low: `\u2066${figureText({ ...row, value: row.value_low })[0]}`, high: `${figureText({ ...row, value: row.value_high })[0]}\u2069` })} · ` : "";
    return make("div", { class: "figure", title: row.formula },
      make("span", { class: "name" }, row.name),
      make("span", { class: "value number" }, value, unit ? make("small", {}, ` ${unit}`) : null),
      make("span", { class: "sure" }, `${range}${word(`sure_${row.how_sure}`)}${row.fidelity === "simple" ? `, ${word("simple")}` : ""}`));
  });
  if (ordered.length > headlines.length) {
    const text = word(state.allFigures ? "fewerFigures" : "allFigures");
    nodes.push(make("button", { class: "more", type: "button", onclick: () => { state.allFigures = !state.allFigures; showFigures(); } }, text));
  }
  $("figures").replaceChildren(...nodes);
  $("figures").hidden = nodes.length === 0;
}

/* ---- layers and legends ---- */
function swatch(layer, colour, isHollow) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 18 10");
  svg.innerHTML = layer.kind === "line"
    ? (isHollow ? `<path d="M0 3.5h18M0 6.5h18" stroke="${colour}" stroke-width="1.2"/>` : `<path d="M0 5h18" stroke="${colour}" stroke-width="${layer.is_planned ? 3 : 2}"/>`)
    : `<circle cx="9" cy="5" r="4" fill="${colour}" fill-opacity="${isHollow ? 0.3 : 1}" stroke="${isHollow ? colour : "none"}" stroke-width="1.2"/>`;
  return make("span", { class: "swatch", "aria-hidden": "true" }, svg);
}

function legend(layer) {
  const list = make("ul", { class: "legend" });
  if (layer.classes.length > 1) {
    for (const each of layer.classes.filter((one) => one.is_used).slice(0, 2 * FIRST_LEGEND)) {
      const unit = layer.unit && /\d/.test(each.label) ? ` ${unitText(layer.unit)}` : "";
      list.append(make("li", {}, swatch(layer, each.colour, false), make("span", {}, `${word(each.label)}${unit}`)));
    }
  }
  const grey = layer.classes.length > 1 ? "#6b7280" : layer.classes[0].colour;
  if (layer.n_not_observed < layer.n_features && (layer.n_not_observed > 0 || layer.classes.length === 1)) {
    const text = layer.is_planned ? word("planned") : word(layer.kind === "line" ? "measuredLine" : "observed");
    list.append(make("li", {}, swatch(layer, grey, false), text));
  }
  if (layer.n_not_observed > 0) {
    const share = layer.n_not_observed / layer.n_features;
    list.append(make("li", {}, swatch(layer, grey, true), layer.kind === "line" ? word("assumedLine") : word("modelled"), " ",
      make("span", { class: "badge number" }, roundShareText(share))));
  }
  return list;
}

function toggle(layer, isOn) {
  // Two point layers on the same places would hide each other.
  if (isOn && layer.kind === "point") {
    for (const other of state.layers) {
      if (other !== layer && other.kind === "point" && other.geometry === layer.geometry && state.visible.delete(other.layer_id)) state.map.setLayer(other, false);
    }
  }
  if (isOn) state.visible.add(layer.layer_id); else state.visible.delete(layer.layer_id);
  showLayers();
  return state.map.setLayer(layer, isOn);
}

function showLayers() {
  const focused = document.activeElement?.dataset?.layer;
  const nodes = [];
  for (const group of ["Plan", "Today", "Results"]) {
    const members = state.layers.filter((layer) => layer.group === group).reverse();
    if (members.length) nodes.push(make("h2", {}, word(group)));
    for (const layer of members) {
      const isOn = state.visible.has(layer.layer_id);
      const box = make("input", { type: "checkbox", checked: isOn, "data-layer": layer.layer_id });
      box.addEventListener("change", () => toggle(layer, box.checked));
      nodes.push(make("div", { class: "layer" },
        make("label", {}, box, make("span", { class: "name" }, word(layer.title)), make("span", { class: "count" }, numberText(layer.n_features))),
        isOn ? legend(layer) : null));
    }
  }
  $("layers").replaceChildren(...nodes);
  if (focused) $("layers").querySelector(`[data-layer="${CSS.escape(focused)}"]`)?.focus();
}

/* ---- years ---- */
function showYears() {
  const [first, last] = state.plan.years;
  $("years").hidden = first === undefined || first === last;
  $("years").setAttribute("aria-label", word("year"));
  $("years").replaceChildren(...[first, last].map((year, index) => {
    const isChosen = state.year === index;
    return make("button", { type: "button", role: "radio", "aria-checked": String(isChosen), tabindex: isChosen ? 0 : -1, onclick: () => setYear(index) },
      `${index ? word("Plan") : word("Today")} · ${year}`);
  }));
}

function setYear(index) {
  state.year = index;
  state.map.setYear(index);
  showYears();
  showFigures();
  $("years").children[index].focus();
}

/* ---- details ---- */
async function openRow(table, id) {
  try {
    const details = await json(`/api/row/${encodeURIComponent(table)}/${encodeURIComponent(id)}`);
    state.row = [table, id];
    const isOpening = $("detail").hidden;
    showRow($("detail"), details, openRow, closeRow);
    state.map.resize();
    const isCore = table === CORE_TABLE;
    state.map.trace(isCore ? null : details.line);
    state.labels.mark(details.line ? null : details.position);
    if (isCore && isOpening && state.map.zoom() < WHOLE_ZOOM) state.map.fit(); else keepInView(details.position);
    if (isCore) await state.failures.play($("detail"), id); else state.failures.stop();
    if (hopOf(details)) await state.hops.show($("detail"), details);
    if (table === PLACES && state.plan.has_sky) state.sky.offer($("detail"), details);
    history.replaceState(null, "", `#${table}/${encodeURIComponent(id)}`);
    return details;
  } catch (error) {
    say(`${word("failed")}: ${error.message}`);
    return null;
  }
}

function keepInView(position) {
  if (!position) return;
  const at = state.map.project(position);
  const [width, height] = [$("stage").clientWidth, $("stage").clientHeight];
  if (at.x < 0 || at.y < 0 || at.x > width || at.y > height) state.map.flyTo(position, 0);
}

/* ---- events ---- */
function address() {
  const event = state.events?.isOpen ? `#${EVENT}/${encodeURIComponent(state.events.id)}/${state.events.hour}` : "";
  return `${location.pathname}${location.search}${event}`;
}

function sizeForEvent() {
  state.map.resize();
  if (state.map.zoom() < WHOLE_ZOOM) state.map.fit();
}

function startEvents() {
  // The places of the event lie where other points would: they are put aside as long as it is played.
  function openEvent() {
    for (const layer of state.layers.filter((each) => each.kind === "point" && state.visible.has(each.layer_id))) {
      state.covered.push(layer);
      toggle(layer, false);
    }
    history.replaceState(null, "", address());
    window.scrollTo(0, 0);
    sizeForEvent();
  }
  function keepHour() { if ($("detail").hidden) history.replaceState(null, "", address()); }
  function closeEvent() {
    for (const layer of state.covered.splice(0)) toggle(layer, true);
    history.replaceState(null, "", address());
    sizeForEvent();
  }
  state.events = createEvents({ map: state.map, json, panel: $("player"), stage: $("stage"), onOpen: openEvent, onSize: sizeForEvent, onHour: keepHour, onClose: closeEvent });
  state.events.list($("event")).then((choices) => { $("events").hidden = choices.length === 0; showEventWords(); });
}

function showEventWords() {
  $("event-label").textContent = word("eventChoose");
  $("player").setAttribute("aria-label", word("eventChoose"));
  state.events?.words();
}

function closeRow() {
  $("detail").hidden = true;
  state.row = null;
  state.labels.mark(null);
  state.map.trace(null);
  state.failures.stop();
  state.map.resize();
  history.replaceState(null, "", address());
}

function say(text) {
  $("message").textContent = text;
}

/* ---- search ---- */
function startSearch() {
  const [input, list] = [$("search"), $("matches")];
  let found = [];
  let at = -1;
  let timer = 0;
  const box = input.parentElement;
  function render() {
    list.hidden = input.value.trim() === "";
    box.setAttribute("aria-expanded", String(!list.hidden));
    list.replaceChildren(...(found.length ? found.map((row, k) => {
      const name = nameOf(row);
      return make("li", { role: "option", id: `match-${k}`, "aria-selected": String(k === at), onmousedown: (event) => { event.preventDefault(); choose(row); } },
        make("span", { lang: name.lang }, name.text), make("span", { class: "kind" }, word(row.table.replaceAll("_", " ")), row.is_observed ? "" : ` · ${word("synthetic")}`));
    }) : [make("li", {}, word("nothing"))]));
    input.setAttribute("aria-activedescendant", at >= 0 ? `match-${at}` : "");
  }
  async function choose(row) {
    input.value = nameOf(row).text;
    list.hidden = true;
    box.setAttribute("aria-expanded", "false");
    const details = await openRow(row.table, row.id);
    if (details?.position) state.map.flyTo(details.position, FOCUS_ZOOM);
  }
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      found = input.value.trim() ? await json(`/api/search?q=${encodeURIComponent(input.value)}`) : [];
      at = found.length ? 0 : -1;
      render();
    }, SEARCH_PAUSE_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      at = (at + (event.key === "ArrowDown" ? 1 : -1) + found.length) % Math.max(1, found.length);
      render();
      event.preventDefault();
    } else if (event.key === "Enter" && found[at]) choose(found[at]);
    else if (event.key === "Escape") { list.hidden = true; input.blur(); }
  });
  input.addEventListener("blur", () => { list.hidden = true; });
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target instanceof HTMLInputElement && event.target.type === "search";
    if (event.key === "/" && !isTyping) { input.focus(); input.select(); event.preventDefault(); }
    if (event.key === "Escape" && !isTyping && !$("detail").hidden) closeRow();
  });
}

/* ---- words ---- */
function showWords() {
  const isUrdu = currentLanguage() === "ur";
  document.documentElement.lang = currentLanguage();
  document.documentElement.dir = isUrdu ? "rtl" : "ltr";
  const { plan } = state;
  const name = nameOf({ name: plan.country, name_local: plan.country_local });
  $("plan-title").replaceChildren(make("span", { lang: name.lang }, name.text), plan.scenario ? ` · ${plan.scenario}` : "");
  document.title = `${plan.country} – Rahdari`;
  $("language").textContent = isUrdu ? "English" : "اردو";
  $("language").lang = isUrdu ? "en" : "ur";
  $("search").placeholder = word("search");
  $("search").setAttribute("aria-label", word("search"));
  $("report").textContent = word("report");
  $("report").hidden = !plan.has_report;
  for (const [id, key] of [["zoom-in", "zoomIn"], ["zoom-out", "zoomOut"], ["zoom-fit", "zoomFit"]]) {
    $(id).setAttribute("aria-label", word(key));
    $(id).title = word(key);
  }
  // Both, in Urdu: the English text is the one that was reviewed.
  $("boundary").replaceChildren(...(isUrdu ? [make("span", { lang: "ur" }, word("boundary")), " "] : []), make("span", { lang: "en", dir: "ltr" }, plan.boundary_note));
  const counts = plan.evidence.places ?? {};
  const total = Object.values(counts).reduce((sum, each) => sum + each, 0);
  const unseen = (counts.synthetic ?? 0) + (counts.assumed ?? 0);
  $("evidence").hidden = unseen === 0;
  if (total) $("evidence").textContent = word("evidence", { share: `\u2066${roundShareText(unseen / total)}\u2069` });
  showYears();
  showFigures();
  showLayers();
  if (state.events) showEventWords();
  leaveRoomForNote();
}

/** On a small screen the note stands below the map (see style.css): how high it is depends on the language. */
function leaveRoomForNote() {
  const before = $("map-gl").clientHeight;
  document.documentElement.style.setProperty("--foot", `${$("boundary").parentElement.offsetHeight}px`);
  if ($("map-gl").clientHeight === before) return;
  state.map.resize();
  if (state.map.zoom() < WHOLE_ZOOM) state.map.fit();
}

async function start() {
  say(word("loading"));
  const [plan, { layers, tiles, problems }, outline] = await Promise.all([json("/api/plan"), json("/api/layers"), json("/api/outline")]);
  Object.assign(state, { plan, layers });
  if (query.get("lang") === "ur") setLanguage("ur");
  const bounds = boundsOf(outline.features) ?? WORLD;
  for (const layer of layers) if (layer.is_visible) state.visible.add(layer.layer_id);
  const wanted = query.get("layers");
  if (wanted !== null) state.visible = new Set(wanted.split(",").filter((id) => layers.some((layer) => layer.layer_id === id)));
  const options = { outline, bounds, tiles, label: word("mapLabel") };
  state.map = createStage(await createCanvasMap($("map"), options));
  state.failures = createFailures(state.map, json);
  state.hops = createHops(json);
  state.sky = createSky(json);
  state.map.setOrder(layers.map((layer) => layer.layer_id));
  showWords();
  const painted = Promise.all(layers.filter((layer) => state.visible.has(layer.layer_id)).map((layer) => state.map.setLayer(layer, true)))
    .then(() => state.map.painted());
  state.labels = createLabels($("labels"), state.map);
  createScale($("scale"), state.map);
  state.map.onPick(async (hit, point) => {
    const place = state.events?.at(point) ?? null;
    if (place !== null) {
      const own = await json(`/api/event-place/${place}`);
      if (await openRow(own.table, own.id)) state.events.describe($("detail"), place);
      return;
    }
    if (!hit) { closeRow(); return; }
    const row = await json(`/api/feature/${hit.layer}/${hit.index}`);
    openRow(row.table, row.id);
  });
  $("zoom-in").addEventListener("click", () => state.map.zoomBy(1));
  $("zoom-out").addEventListener("click", () => state.map.zoomBy(-1));
  $("zoom-fit").addEventListener("click", () => state.map.fit());
  $("years").addEventListener("keydown", (event) => { if (event.key.startsWith("Arrow")) setYear(1 - state.year); });
  $("language").addEventListener("click", () => {
    setLanguage(currentLanguage() === "ur" ? "en" : "ur");
    showWords();
    state.labels.show(state.rows);
    if (state.row) openRow(...state.row);
  });
  startSearch();
  json("/api/labels").then((rows) => { state.rows = rows; state.labels.show(rows); });
  await painted;
  document.body.dataset.painted = String(Math.round(performance.now()));
  document.body.dataset.drawing = state.map.kind;
  say("");
  for (const [layer, reason] of Object.entries(problems)) console.info(`layer ${layer} is left out: ${reason}`);
  startEvents();
  const [table, id, hour] = location.hash.slice(1).split("/");
  if (table === EVENT && id) state.events.open(decodeURIComponent(id), hour ? Number.parseInt(hour, 10) || 0 : null);
  else if (id) openRow(table, decodeURIComponent(id));
  // For tests and the curious: the map behind the page.
  window.rahdari = state;
  if (!query.has("nogl")) await upgrade(options);
}

/** Put MapLibre in the place of the canvas once it shows the same; a browser without WebGL keeps the canvas. */
async function upgrade(options) {
  const gl = await import("./map_gl.js");
  if (!gl.hasWebGl()) { say(word("noGl")); return; }
  const map = await gl.createGlMap($("map-gl"), options);
  await state.map.replaceBy(map, state.layers, state.visible, state.year);
  $("map").remove();
  state.labels.settle();
  document.body.dataset.upgraded = String(Math.round(performance.now()));
  document.body.dataset.drawing = state.map.kind;
}

start().catch((error) => { say(`${word("failed")}: ${error.message}`); console.error(error); });
