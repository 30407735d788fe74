// A microwave hop in the panel: the profile of its path, its budget, and every term with the clause it comes from.
import { make } from "./panel.js";
import { numberText, word } from "./words.js";

const HOPS = "microwave_hops";
const COLOURS = { hopGround: "#b9a58a", hopSight: "#1f4e8c", hopZone: "#9db4d0", hopLow: "#8a6d4b" }; // as methods/profile_drawing.py
const WORST = "#b3261e";

const ltr = (text) => `\u2066${text}\u2069`;
const LAST_NINE = 5;
/** Share of a year: outages differ in their fourth and fifth nine. */
const heldText = (share) => `${(100 * share).toFixed(share > 0.99 ? LAST_NINE - 2 : 1)} %`;

/** Return the site whose hop a row shows, or null. */
export function hopOf(details) {
  const own = details.table === HOPS || (details.table === "sites" && details.related.some((each) => each.table === HOPS));
  return own ? details.id : null;
}

function drawing(svg, label) {
  const parsed = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  if (parsed.nodeName !== "svg") return null;
  const shape = document.importNode(parsed, true);
  shape.setAttribute("class", "profile");
  shape.setAttribute("aria-label", label);
  return shape;
}

function swatch(colour, kind) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 18 10");
  svg.innerHTML = kind === "area" ? `<rect width="18" height="10" fill="${colour}"/>` : `<path d="M0 5h18" stroke="${colour}" stroke-width="2"${kind === "dash" ? ' stroke-dasharray="4 2.5"' : ""}/>`;
  return make("span", { class: "swatch", "aria-hidden": "true" }, svg);
}

function legend(reply) {
  const k = ltr(`k = ${numberText(reply.low_k_ratio)}`);
  const rows = [["hopGround", "area"], ["hopSight", "line"], ["hopZone", "area"], ["hopLow", "dash"]];
  const items = rows.map(([key, kind]) => make("li", {}, swatch(COLOURS[key], kind), make("span", {}, word(key, { k }))));
  if (reply.worst_clearance_ratio !== null) items.push(make("li", {}, swatch(WORST, "line"), make("span", {}, word("hopWorst", { k, ratio: ltr(numberText(reply.worst_clearance_ratio)) }))));
  return make("ul", { class: "legend" }, ...items);
}

function figure(key, value, hint) {
  return make("div", { class: "figure" }, make("span", { class: "name" }, word(key)), make("span", { class: "value number" }, value), hint ? make("span", { class: "sure" }, hint) : null);
}

function figures(reply) {
  const state = make("span", { class: reply.is_clear ? "badge ok" : "badge" }, word(reply.is_clear ? "hopClear" : "hopBlocked"));
  const lack = reply.raise_masts_m > 0 ? word("hopRaise", { m: ltr(numberText(Math.ceil(reply.raise_masts_m))) }) : "";
  return make("div", {},
    figure("hopLength", `${numberText(reply.length_km)} km`),
    figure("hopRadio", `${reply.radio} · ${reply.antenna}`, ltr(`${numberText(reply.frequency_ghz)} GHz`)),
    make("div", { class: "figure" }, make("span", { class: "name" }, word("hopState")), make("span", { class: "value" }, state), lack ? make("span", { class: "sure" }, lack) : null),
    figure("hopMean", `${numberText(Math.round(reply.mean_capacity_mbps))} Mbit/s`));
}

function modes(reply) {
  const head = make("tr", {}, make("th", {}, word("hopMode")), ...["Mbit/s", `${word("hopMargin")}, dB`, word("hopYear")].map((text) => make("td", {}, text)));
  const rows = reply.modes.map((mode) => make("tr", {}, make("th", { scope: "row", dir: "ltr" }, mode.mode),
    ...[numberText(Math.round(mode.capacity_mbps)), mode.fade_margin_db.toFixed(1), heldText(mode.availability_year_frac)].map((text) => make("td", {}, make("span", { class: "number" }, text)))));
  return make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
}

function termTable(terms) {
  const rows = terms.map((term) => make("tr", {}, make("th", { scope: "row", dir: "ltr" }, term.term, make("small", {}, term.clause)),
    make("td", {}, make("span", { class: "number" }, term.value === 0 ? "0" : String(Number(term.value.toPrecision(5))), make("span", { class: "unit" }, term.unit === "1" ? "" : ` ${term.unit}`)))));
  return make("table", {}, make("tbody", {}, ...rows));
}

/** Return every term, those of the path first, then a fold a modulation. */
function terms(reply) {
  const groups = new Map([["", []]]);
  for (const term of reply.terms) groups.set(term.mode, [...(groups.get(term.mode) ?? []), term]);
  const folds = [...groups].map(([mode, rows]) => make("details", {}, make("summary", {}, mode ? ltr(mode) : word("hopPath")), termTable(rows)));
  return make("details", {}, make("summary", {}, word("hopTerms"), make("span", { class: "badge plain number" }, String(reply.terms.length))), ...folds);
}

function warnings(reply) {
  const texts = [];
  if (reply.is_coarse_terrain) texts.push(word("hopCoarse"));
  if (!reply.svg) texts.push(word("hopBare"));
  if (reply.n_relays) texts.push(word("hopRelays", { n: ltr(String(reply.n_relays)) }));
  return texts.map((text) => make("p", { class: "warn" }, text));
}

/** Return a viewer: `show(panel, details)` puts the hop of a row at the head of the panel. */
export function createHops(json) {
  let turn = 0;

  async function show(panel, details) {
    turn += 1;
    const mine = turn;
    const box = make("section", { class: "hop" }, make("h3", {}, word("hopTitle")), make("p", { class: "hint" }, word("loading")));
    panel.querySelector(".chips").after(box);
    let reply = null;
    try {
      reply = await json(`/api/hop/${encodeURIComponent(details.id)}`);
    } catch {
      // Ends that share a roof have no path; the row tells the rest.
      if (mine === turn) box.replaceChildren(make("h3", {}, word("hopNone")));
      return;
    }
    if (mine !== turn) return;
    const axes = word("hopAxes", { name: reply.start_name });
    const badge = reply.is_coarse_terrain ? make("span", { class: "badge" }, word("coarse")) : null;
    box.replaceChildren(...[make("h3", {}, word("hopTitle"), badge), reply.svg ? drawing(reply.svg, axes) : null, reply.svg ? make("p", { class: "hint" }, axes) : null,
      reply.svg ? legend(reply) : null, ...warnings(reply), figures(reply), modes(reply), terms(reply), make("p", { class: "hint" }, word("hopHow"))].filter(Boolean));
    if (details.table === HOPS) panel.querySelector("#detail-title").firstChild.textContent = `${reply.start_name} - ${reply.end_name}`;
    document.body.dataset.hop = reply.site_id;
  }
  return { show };
}
