// The side panel: one row, what belongs to it, and why a number has its value.
import { nameOf, numberText, shareText, unitText, word } from "./words.js";

const HIDDEN = new Set(["source_id", "evidence", "name", "name_local", "lon_deg", "lat_deg", "row_node_id"]);
const MAX_COLUMNS = 4;

/** Return an element with attributes and children; text is never read as HTML. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Return a cell's value as text. */
export function valueText(cell) {
  if (cell.value === true) return word("yes");
  if (cell.value === false) return word("no");
  if (typeof cell.value !== "number") return word(String(cell.value).replaceAll("_", " "));
  if (cell.is_percent) return shareText(cell.value);
  if (cell.column === "year") return String(cell.value);
  return numberText(cell.value);
}

function titleOf(table) {
  const text = word(table.replaceAll("_", " "));
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function explainUrl(table, key, column) {
  const [[, rowId], ...rest] = Object.entries(key);
  const query = new URLSearchParams({ table, row_id: rowId, column, ...Object.fromEntries(rest) });
  return `/api/explain?${query}`;
}

function termNode(term) {
  const children = term.terms ?? [];
  const unit = unitText(term.unit);
  const shown = typeof term.value !== "number" ? String(term.value ?? "–") : term.unit === "frac" ? shareText(term.value) : numberText(term.value);
  const item = make("li", {}, make("div", { title: term.description ?? "" }, make("code", {}, term.name), " = ",
    make("span", { class: "value" }, shown), make("span", { class: "unit" }, ` ${unit} `),
    term.evidence ? make("span", { class: "badge plain" }, word(term.evidence)) : null));
  if (term.formula) item.append(make("pre", {}, term.formula));
  else if (!term.source && term.how) item.append(make("div", { class: "unit" }, term.how));
  if (term.source) item.append(sourceNode(term.source));
  if (children.length) item.append(make("ul", {}, ...children.map(termNode)));
  return item;
}

function sourceNode(source) {
  if (typeof source === "string") return make("span", { class: "source cite" }, source);
  const parts = [source.publisher, source.published_on].filter(Boolean).join(", ");
  const kind = source.kind ? make("span", { class: "badge plain" }, word(source.kind)) : null;
  return make("span", { class: "source cite" }, `${word("source")}: ${source.title}${parts ? ` – ${parts}` : ""} `, kind);
}

function reasonNode(reply, cell) {
  const box = make("section", { class: "reason", role: "region", "aria-live": "polite" });
  const shown = `${valueText({ ...cell, value: reply.value ?? cell.value })} ${cell.is_percent ? "" : cell.unit}`.trim();
  box.append(make("h3", {}, `${word("why")} `, make("span", { class: "number" }, shown), word("questionMark")));
  box.append(make("p", {}, reply.description ?? cell.description));
  if (reply.formula) box.append(make("pre", {}, `${reply.column} = ${reply.formula}`));
  if (reply.terms?.length) box.append(make("ul", { class: "terms" }, ...reply.terms.map(termNode)));
  const badge = reply.fidelity === "simple" ? make("span", { class: "badge" }, word("simple")) : null;
  if (reply.how) box.append(make("p", { class: "source" }, `${sentence(reply.how)} `, badge));
  if (reply.source) box.append(sourceNode(reply.source));
  return box;
}

async function toggleReason(button, table, key, cell) {
  const host = button.closest("tr");
  const old = host.nextElementSibling?.classList.contains("reason-row") ? host.nextElementSibling : null;
  const wasOpen = button.getAttribute("aria-expanded") === "true";
  old?.remove();
  host.querySelectorAll(".why").forEach((each) => each.setAttribute("aria-expanded", "false"));
  if (wasOpen) return;
  const reply = await fetch(explainUrl(table, key, cell.column));
  const body = await reply.json();
  const node = reply.ok ? reasonNode(body, cell) : make("p", {}, `${word("failed")}: ${body.errors?.[0]?.what ?? reply.status}`);
  button.setAttribute("aria-expanded", "true");
  host.after(make("tr", { class: "reason-row" }, make("td", { colspan: host.children.length, class: "text" }, node)));
  node.style.textAlign = "start";
}

function valueNode(cell, table, key, open) {
  const text = valueText(cell);
  if (cell.links_to && cell.status !== "key") {
    return make("button", { class: "why", type: "button", title: String(cell.value), onclick: () => open(cell.links_to, cell.value) }, String(cell.shown ?? cell.value));
  }
  if (typeof cell.value !== "number" || cell.column === "year") return make("span", { dir: "auto" }, text);
  const button = make("button", { class: "why", type: "button", "aria-expanded": "false", title: cell.description }, text);
  button.addEventListener("click", () => toggleReason(button, table, key, cell));
  const unit = cell.unit && !cell.is_percent ? make("span", { class: "unit" }, ` ${cell.unit}`) : null;
  return make("span", { class: "number" }, button, unit);
}

function rowTable(row, table, open) {
  const body = make("tbody");
  for (const cell of row.cells) {
    if (HIDDEN.has(cell.column) || cell.status === "key") continue;
    body.append(make("tr", {}, make("th", { scope: "row", title: cell.description }, sentence(word(cell.label))),
      make("td", {}, valueNode(cell, table, row.key, open))));
  }
  return make("table", {}, body);
}

const keyText = (row, names) => names.map((name) => word(String(row.key[name]).replaceAll("_", " "))).join(" · ");
const cellOf = (row, name) => row.cells.find((cell) => cell.column === name);

function shownColumns(rows) {
  const columns = [...new Set(rows.flatMap((row) => row.cells.map((cell) => cell.column)))];
  return columns.filter((name) => !HIDDEN.has(name) && !(name in rows[0].key));
}

function columnLabel(rows, name) {
  return sentence(word(rows.map((row) => cellOf(row, name)).find(Boolean).label));
}

/** Return rows side by side, one column each. */
function sideBySide(rows, heads, table, open) {
  const value = (row, name) => {
    const cell = cellOf(row, name);
    return make("td", {}, cell ? valueNode(cell, table, row.key, open) : "–");
  };
  const head = make("tr", {}, make("th"), ...rows.map((row, k) => make("td", {}, make("b", {}, heads[k]))));
  const lines = shownColumns(rows).map((name) => make("tr", {}, make("th", { scope: "row" }, columnLabel(rows, name)), ...rows.map((row) => value(row, name))));
  return make("table", {}, make("thead", {}, head), make("tbody", {}, ...lines));
}

/** Return one fold per kind of thing, its years side by side. */
function folds(rows, keys, table, open) {
  const others = keys.filter((name) => name !== "year");
  const groups = new Map();
  for (const row of rows) {
    const name = keyText(row, others);
    groups.set(name, [...(groups.get(name) ?? []), row]);
  }
  return make("div", {}, ...[...groups].map(([name, members]) => {
    const works = cellOf(members.at(-1), "is_working");
    const badge = works ? make("span", { class: works.value ? "badge ok" : "badge" }, `${members.at(-1).key.year}: ${word(works.value ? "works" : "worksNot")}`) : null;
    return make("details", {}, make("summary", {}, sentence(name), badge), sideBySide(members, members.map((row) => String(row.key.year)), table, open));
  }));
}

function relatedTable(related, open) {
  const { rows, table } = related;
  const keys = Object.keys(rows[0].key).slice(1);
  if (!keys.length) return rowTable(rows[0], table, open);
  if (rows.length <= MAX_COLUMNS) return sideBySide(rows, rows.map((row) => keyText(row, keys)), table, open);
  if (keys.length > 1 && keys.includes("year")) return folds(rows, keys, table, open);
  const shown = shownColumns(rows);
  const head = make("tr", {}, make("th"), ...shown.map((name) => make("td", {}, columnLabel(rows, name))));
  const lines = rows.map((row) => make("tr", {}, make("th", { scope: "row" }, keyText(row, keys)), ...shown.map((name) => {
    const cell = cellOf(row, name);
    return make("td", {}, cell ? valueNode(cell, table, row.key, open) : "–");
  })));
  return make("div", { class: "wide" }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...lines)));
}

/** Fill the panel with a row; `open(table, id)` follows a reference, `close()` hides the panel. */
export function showRow(panel, details, open, close) {
  const kind = details.row.cells.find((cell) => cell.column === "kind")?.value;
  const name = nameOf({ name: details.title, name_local: details.title_local });
  const other = name.lang === "ur" ? details.title : details.title_local;
  const chips = [make("span", { class: "badge plain" }, word(String(kind ?? details.table).replaceAll("_", " ")))];
  if (details.evidence) {
    const text = details.is_observed ? word(details.evidence) : `${word(details.evidence)}: ${word("modelled")}`;
    chips.push(make("span", { class: details.is_observed ? "badge ok" : "badge" }, text));
  }
  const order = ["access", "profiles", "demand"];
  const rank = (each) => (order.indexOf(each.table) + 1 || order.length + 1);
  const related = [...details.related].sort((a, b) => rank(a) - rank(b) || a.table.localeCompare(b.table));
  panel.replaceChildren(
    make("div", { class: "detail-head" },
      make("h2", { class: "title", id: "detail-title", tabindex: "-1", lang: name.lang }, name.text,
        other ? make("span", { class: "local", lang: name.lang === "ur" ? "en" : "ur", dir: "auto" }, other) : null),
      make("button", { class: "close", type: "button", "aria-label": word("close"), onclick: close }, "×")),
    make("div", { class: "chips" }, ...chips),
    ...related.slice(0, 1).flatMap((each) => section(each, open)),
    make("h3", {}, titleOf(details.table)),
    rowTable(details.row, details.table, open),
    ...related.slice(1).flatMap((each) => section(each, open)),
    make("p", { class: "hint" }, word("hint")),
    details.source ? make("p", {}, sourceNode(details.source)) : "",
  );
  panel.hidden = false;
  panel.scrollTop = 0;
  panel.querySelector("#detail-title").focus({ preventScroll: true });
}

function section(related, open) {
  return [
    make("h3", {}, titleOf(related.table), related.engine ? make("span", { class: "engine" }, related.engine) : null),
    relatedTable(related, open),
  ];
}
