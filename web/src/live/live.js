// The live page: hears that something changed, asks for the present state, and draws it.  Everything shown is text.
import { createLabels } from "/map/labels.js";
import { createCanvasMap } from "/map/map_canvas.js";
import { boundsOf } from "/map/style_rules.js";
import { make } from "/map/panel.js";
import { createField } from "./field.js";
import { createStory } from "./story.js";
import { createTimeline } from "./timeline.js";
import { act, durationText, json, learnSession, nameOfOperator, numberText, session, timeText, titleOf } from "./common.js";
import { currentLanguage, setLanguage, word } from "./words.js";

const REFRESH_MS = 700; // a storm makes no more pictures than a reader can see
const QUIET_MS = 30_000; // durations grow although nothing happens
const SILENT_MS = 40_000; // a stream that says nothing for so long is dead, whatever the browser believes
const LOST_MS = 2500;
const MANY = 500; // alarms that wait to be read before the page says so
const WORLD = [-170, -60, 170, 75];
const $ = (id) => document.getElementById(id);
const page = { state: null, chosen: null, plan: null, map: null, field: null, story: null, timeline: null, heard: 0, timer: 0, isBusy: false, isWanted: false };

/* ---- head ---- */
function showHead() {
  const { customers, alarms, n_open: nOpen } = page.state;
  const figure = (value, key, kind) => make("div", { class: `figure ${kind}` }, make("dt", {}, word(key)), make("dd", { class: "number", dir: "ltr" }, numberText(value)));
  $("figures").replaceChildren(
    figure(customers.without, "without", customers.without ? "bad" : ""),
    figure(customers.at_risk, "atRisk", customers.at_risk ? "warn" : ""),
    figure(nOpen, "incidents", ""),
    figure(alarms.open, "alarms", ""));
  $("clock").textContent = `${timeText(page.state.now_s)} UTC`;
  $("thinking").textContent = page.state.n_waiting > MANY ? word("thinking", { n: numberText(page.state.n_waiting) }) : "";
  const trouble = page.state.pipeline.problem || page.state.failures.at(-1);
  $("banner").hidden = !trouble && !page.warning;
  $("banner").textContent = trouble ? word("trouble", { what: trouble }) : page.warning ?? "";
  document.title = customers.without ? `${numberText(customers.without)} – Rahdari` : "Rahdari live";
}

/* ---- list ---- */
const isShelved = (each) => each.operator.state === "shelved" || each.operator.state === "closed";

function shown() {
  const wanted = $("search").value.trim().toLowerCase();
  const rank = (each) => (each.is_open ? 0 : 2) + (isShelved(each) ? 1 : 0);
  return page.state.incidents
    .filter((each) => !wanted || `${each.root.object} ${each.root.kind} ${titleOf(each)} ${each.operator.note}`.toLowerCase().includes(wanted))
    .sort((a, b) => rank(a) - rank(b) || b.customers_without_service - a.customers_without_service || a.opened_s - b.opened_s);
}

function chips(each) {
  const found = [];
  const { state, by } = each.operator;
  if (state === "ack") found.push(make("span", { class: "chip ok" }, word("acked", { who: by })));
  if (state === "shelved") found.push(make("span", { class: "chip" }, word("shelved", { who: by })));
  if (state === "closed") found.push(make("span", { class: "chip" }, word("closed", { who: by })));
  if (each.in_maintenance) found.push(make("span", { class: "chip" }, word("maintenance")));
  if (each.is_flapping) found.push(make("span", { class: "chip warn" }, word("flapping")));
  if (!each.is_open) found.push(make("span", { class: "chip ok" }, word("over")));
  return found;
}

function card(each) {
  const isBad = each.is_open && each.customers_without_service > 0;
  const next = each.is_open ? each.forecast.find((step) => step.at_s > page.state.now_s) : null;
  const kind = `card${isBad ? " bad" : ""}${each.is_open ? "" : " over"}${isShelved(each) ? " shelved" : ""}`;
  const age = durationText((each.is_open ? page.state.now_s : each.changed_s) - each.opened_s);
  return make("li", { class: kind, role: "option", id: `card-${each.incident_id}`, "aria-selected": String(each.incident_id === page.chosen), onclick: () => open(each.incident_id) },
    make("span", { class: "stripe" }),
    make("span", { class: "title" }, titleOf(each)),
    make("span", { class: "big" }, each.customers_without_service ? numberText(each.customers_without_service) : "–", make("small", {}, each.customers_without_service ? word("customers") : word("nobody"))),
    make("span", { class: "line" }, `${age} · ${numberText(each.n_symptoms)} ${word(each.n_symptoms === 1 ? "alarm" : "alarms")} `, ...chips(each)),
    next ? make("span", { class: "line next" }, word("forecastIn", { time: durationText(next.at_s - page.state.now_s), what: next.what })) : null);
}

function showList() {
  $("list-title").textContent = word("listTitle");
  const rows = shown();
  if (page.chosen && !rows.some((each) => each.incident_id === page.chosen) && $("story").hidden) page.chosen = null;
  const empty = $("search").value.trim() ? make("li", { class: "empty" }, word("noMatch"))
    : make("li", { class: "empty" }, make("b", {}, word("nothing")), word("nothingHint"));
  $("list").replaceChildren(...(rows.length ? rows.map(card) : [empty]));
  $("list").setAttribute("aria-activedescendant", page.chosen ? `card-${page.chosen}` : "");
  page.field?.marks(page.state.incidents.filter((each) => each.is_open && !isShelved(each)), page.chosen);
}

function choose(step) {
  const rows = shown();
  if (!rows.length) return;
  const at = rows.findIndex((each) => each.incident_id === page.chosen);
  const next = rows[Math.max(0, Math.min(rows.length - 1, at + step))];
  page.chosen = next.incident_id;
  showList();
  document.getElementById(`card-${page.chosen}`)?.scrollIntoView({ block: "nearest" });
  $("said").textContent = titleOf(next);
  if (!$("story").hidden) open(page.chosen);
}

async function open(id) {
  page.chosen = id;
  showList();
  history.replaceState(null, "", `${location.pathname}${location.search}#${encodeURIComponent(id)}`);
  await page.story.open(id);
}

function closeStory() {
  page.story.close();
  history.replaceState(null, "", `${location.pathname}${location.search}`);
  $("list").focus({ preventScroll: true });
}

/* ---- actions ---- */
async function doAction(action, note = "") {
  const each = page.state?.incidents.find((one) => one.incident_id === page.chosen);
  if (!each) return;
  try {
    const done = await act(each.incident_id, action, note);
    $("said").textContent = [word("done"), ...(done.warnings ?? [])].join(". ");
    page.warning = done.warnings?.[0] ?? "";
  } catch (error) {
    $("said").textContent = `${word("failed")}: ${error.message}`;
    $("banner").hidden = false;
    $("banner").textContent = `${word("failed")}: ${error.message}`;
    return;
  }
  await refresh();
}

function toggleAction(action) {
  const each = page.state?.incidents.find((one) => one.incident_id === page.chosen);
  if (!each) return;
  const own = { ack: "ack", shelve: "shelved" }[action];
  doAction(each.operator.state === own ? (action === "ack" ? "none" : "unshelve") : action);
}

/* ---- state and stream ---- */
async function refresh() {
  if (page.isBusy) { page.isWanted = true; return; }
  page.isBusy = true;
  try {
    const state = await json("/api/live/state");
    page.state = state;
    showHead();
    showList();
    await Promise.all([page.timeline.refresh(state), page.field?.refresh(), page.story.refresh(state)]);
    document.body.dataset.revision = String(state.revision);
    document.body.dataset.position = String(state.position);
  } catch (error) {
    console.info(error.message);
  } finally {
    page.isBusy = false;
    if (page.isWanted) { page.isWanted = false; schedule(); }
  }
}

function schedule() {
  if (page.timer) return;
  page.timer = setTimeout(() => { page.timer = 0; refresh(); }, REFRESH_MS);
}

function mark(state) {
  $("live-mark").dataset.state = state;
  $("live-mark").textContent = word(state);
}

function listen() {
  let stream = null;
  let lostTimer = 0;
  function connect() {
    stream?.close();
    stream = new EventSource("/api/live/stream");
    stream.addEventListener("change", () => {
      page.heard = Date.now();
      clearTimeout(lostTimer);
      lostTimer = 0;
      mark("connected");
      schedule();
    });
    stream.addEventListener("error", () => {
      // The server ends streams now and then, to ask again who listens: that alone is no loss.
      lostTimer ||= setTimeout(() => { lostTimer = 0; mark("lost"); json("/api/live/health").catch(() => {}); }, LOST_MS);
      // A browser gives up for good on some errors: then a new one is begun here.
      if (stream.readyState === EventSource.CLOSED) setTimeout(connect, 1500);
    });
  }
  connect();
  setInterval(() => {
    if (page.state) refresh();
    if (Date.now() - page.heard > SILENT_MS && stream.readyState === EventSource.OPEN && !document.hidden) connect();
  }, QUIET_MS);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
}

/* ---- words, help and keys ---- */
function showWords() {
  const isUrdu = currentLanguage() === "ur";
  document.documentElement.lang = currentLanguage();
  document.documentElement.dir = isUrdu ? "rtl" : "ltr";
  $("language").textContent = isUrdu ? "English" : "اردو";
  $("language").lang = isUrdu ? "en" : "ur";
  $("search").placeholder = word("search");
  $("search").setAttribute("aria-label", word("search"));
  $("time-title").textContent = word("timeTitle");
  for (const [id, key] of [["zoom-in", "zoomIn"], ["zoom-out", "zoomOut"], ["zoom-fit", "zoomFit"], ["help", "keysTitle"]]) {
    $(id).setAttribute("aria-label", word(key));
    $(id).title = word(key);
  }
  $("boundary").textContent = page.plan.boundary_note || word("boundary");
  const legend = [["#ff5a4f", "out"], ["#f0b849", "risk"], ["#5b6b79", "served"]].map(([colour, key]) => {
    const dot = make("i", {});
    dot.style.background = colour;
    return make("li", {}, dot, word(key));
  });
  $("legend").replaceChildren(...legend, make("li", { class: "marker" }, make("i", {}), word("marker")));
  const pairs = (text) => make("dl", {}, ...text.split("|").flatMap((line) => {
    const [a, b] = line.split(";");
    return [make("dt", {}, a), make("dd", {}, b)];
  }));
  $("keys").replaceChildren(make("h2", {}, word("keysTitle")), pairs(word("keysDo")), make("h2", {}, word("meaning")), pairs(word("meanings")),
    make("form", { method: "dialog" }, ...(session.hasAccounts ? [make("a", { href: "/account" }, `${word("you")}: ${session.actor}`)] : [make("label", { for: "you" }, word("you")), nameOfOperator.field()]), make("button", {}, word("back"))));
  const { demo, speed } = page.plan;
  $("practice").hidden = !demo && speed === 1;
  $("practice").textContent = demo ? word("practice", { event: demo, speed }) : word("fast", { speed });
  mark($("live-mark").dataset.state);
  if (page.state) { showHead(); showList(); page.story.refresh(page.state, true); page.timeline.refresh(page.state); }
}

function startKeys() {
  const isTyping = (target) => target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || $("keys").open) return;
    if (event.key === "Escape") {
      if (isTyping(event.target)) event.target.blur(); else if (!$("story").hidden) closeStory();
      return;
    }
    if (isTyping(event.target)) {
      if (event.key === "Enter" && event.target === $("search")) { event.target.blur(); choose(1); }
      return;
    }
    const keys = {
      j: () => choose(1), k: () => choose(-1), ArrowDown: () => document.activeElement === $("list") && choose(1), ArrowUp: () => document.activeElement === $("list") && choose(-1),
      a: () => toggleAction("ack"), s: () => toggleAction("shelve"), m: () => page.map?.fit(), "?": () => $("keys").showModal(),
      "/": () => { $("search").focus(); $("search").select(); },
      n: async () => { if (page.chosen) { if ($("story").hidden) await open(page.chosen); $("story").querySelector(".add-note input")?.focus(); } },
    };
    if (event.key === "Enter" && page.chosen && !(event.target instanceof HTMLButtonElement)) { open(page.chosen); event.preventDefault(); return; }
    if (keys[event.key]) { keys[event.key](); if (!event.key.startsWith("Arrow") || document.activeElement === $("list")) event.preventDefault(); }
  });
  $("search").addEventListener("input", () => { if (page.state) showList(); });
  $("help").addEventListener("click", () => $("keys").showModal());
  $("language").addEventListener("click", () => { setLanguage(currentLanguage() === "ur" ? "en" : "ur"); showWords(); });
}

async function startMap() {
  const [outline, labels] = await Promise.all([json("/api/live/outline"), json("/api/live/labels")]);
  const own = page.plan.bounds;
  const bounds = own ?? boundsOf(outline.features) ?? WORLD;
  page.map = await createCanvasMap($("map"), { outline, bounds, label: word("mapLabel") });
  const names = createLabels($("labels"), page.map);
  names.show(labels);
  page.field = await createField({ stage: $("stage"), map: page.map, holder: $("markers"), onPick: open });
  $("zoom-in").addEventListener("click", () => page.map.zoomBy(1));
  $("zoom-out").addEventListener("click", () => page.map.zoomBy(-1));
  $("zoom-fit").addEventListener("click", () => page.map.fit());
}

async function start() {
  if (new URLSearchParams(location.search).get("lang") === "ur") setLanguage("ur");
  mark("waiting");
  page.plan = await json("/api/live/plan");
  await learnSession(page.plan);
  $("plan").textContent = page.plan.title;
  page.story = createStory({ panel: $("story"), onClose: closeStory, onAct: doAction, onToggle: toggleAction });
  page.timeline = createTimeline({ bars: $("bars"), list: $("events"), rate: $("rate") });
  showWords();
  startKeys();
  await refresh();
  listen();
  await startMap();
  await refresh();
  if (location.hash.length > 1) open(decodeURIComponent(location.hash.slice(1)));
  document.body.dataset.painted = "true";
  // For tests and the curious.
  window.rahdari = page;
}

start().catch((error) => {
  mark("lost");
  $("banner").hidden = false;
  $("banner").textContent = error.message;
  setTimeout(() => location.reload(), 3000);
});
