// What the one on duty needs besides the story: who goes when, ways round, circuits with money, the authority's form.
import { make } from "/map/panel.js";
import { json, numberText, tellLeg } from "./common.js";
import { word } from "./words.js";

const AGAIN_MS = 20_000; // orders hang on all incidents: asked for now and then, not with every change

const item = (...parts) => make("li", {}, ...parts);
const name = (text) => make("bdi", {}, text);
const clock = (utc) => make("span", { dir: "ltr" }, utc.replace("T", " ").replace("Z", " UTC"));

function section(key, ...children) {
  return make("section", {}, make("h3", {}, word(key)), ...children);
}

function orders({ stops, moves, n_incidents: nIncidents, gap_frac: gap, n_crews: nCrews }) {
  if (!nCrews) return null;
  const rows = [
    ...stops.map((each) => item(name(each.crew_id), ": ", word("crewStop"), " ", clock(each.arrives_utc), ` (${word("done")}: `, clock(each.done_utc), ")")),
    ...moves.map((each) => item(name(each.generator_id), " → ", name(each.name), ": ", clock(each.arrives_utc)))];
  const proof = gap === null ? "" : word(gap === 0 ? "ordersBest" : "ordersNear", { n: nIncidents, share: `${Math.ceil(100 * gap)} %` });
  return section("orders", rows.length ? make("ul", { class: "facts" }, ...rows) : make("p", {}, word("noCrew")), make("p", { class: "hint" }, proof));
}

function detours(found) {
  if (!found.length) return null;
  const way = (each) => item(name(each.through), ": ", word("wayFree", { free: numberText(each.free_gbps), km: numberText(each.fibre_km), ms: each.added_rtt_ms.toFixed(2) }));
  return section("detours", ...found.map((link) => make("div", {}, make("p", {}, name(link.name), ` · ${word("carries", { n: numberText(link.load_gbps) })}`),
    link.ways.length ? make("ul", { class: "facts" }, ...link.ways.map(way)) : make("p", { class: "hint" }, word("noWay")))));
}

function circuits(found, id, reload) {
  if (!found.circuits.length) return null;
  const answer = make("p", { class: "hint", role: "status" });
  const legs = make("select", { "aria-label": word("leg") }, ...found.legs.map((each) => make("option", { value: each.leg_id }, each.name)));
  const tell = (state) => make("button", { type: "button", onclick: async () => {
    try { await tellLeg(id, legs.value, state); await reload(); } catch (error) { answer.textContent = error.message; }
  } }, word(state === "failed" ? "legFailed" : "legRepaired"));
  const row = (each) => item(name(`${each.circuit_id} (${each.buyer}), ${numberText(each.gbps)} Gbit/s: ${each.state}`), make("div", { class: "hint" },
    each.down_s === null ? "" : word("circuitMoney", { min: numberText(each.down_s / 60), credit: each.credit_usd, charge: each.charge_usd })));
  return section("circuits", make("ul", { class: "facts" }, ...found.circuits.map(row)), make("p", { class: "hint" }, word("legHint")), make("div", { class: "buttons" }, legs, tell("failed"), tell("repaired")), answer);
}

function forms(found, id) {
  const row = (each) => item(make("a", { href: `/api/live/incidents/${encodeURIComponent(id)}/form?report=${encodeURIComponent(each.report_id)}`, download: "" }, word(`form_${each.report_id}`)), " · ",
    word(each.is_late ? "wasDue" : "due"), " ", clock(each.due_utc), make("div", { class: "hint" }, [each.is_asked_for ? "" : word("notAskedFor"), each.missing.length ? word("missing", { what: each.missing.join(", ") }) : ""].filter(Boolean).join(" ")));
  const status = found[0] ? `${found[0].status}: ${found[0].status_note}` : "";
  return section("forms", make("ul", { class: "facts" }, ...found.map(row)), make("p", { class: "hint" }, make("bdi", {}, status)));
}

/** Return a place for these parts that keeps itself while the story around it is drawn anew: `of(id)`. */
export function createDuty() {
  const place = make("div", { class: "duty" });
  let shown = "";
  let asked = 0;
  async function load(id) {
    asked = Date.now();
    const found = await json(`/api/live/incidents/${encodeURIComponent(id)}/duty`);
    if (id !== shown) return;
    const { url, page } = found.runbook;
    const book = url ? make("p", {}, make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, `${word("runbook")}: ${page}`)) : null;
    place.replaceChildren(...[orders(found.orders), detours(found.detours), circuits(found, id, () => load(id)), forms(found.forms, id), book].filter(Boolean));
  }
  return {
    of(id, isForced) {
      const isNew = id !== shown;
      if (isNew) place.replaceChildren();
      shown = id;
      if (isNew || isForced || Date.now() - asked > AGAIN_MS) load(id).catch((error) => place.replaceChildren(make("p", { class: "hint" }, error.message)));
      return place;
    },
  };
}
