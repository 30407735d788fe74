// What the parts of the live page share: asking, acting, and telling numbers and times.
import { numberText as plainNumber } from "/map/words.js";
import { make } from "/map/panel.js";
import { hasWord, word } from "./words.js";

const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86_400;
const NAME = "rahdari-operator";

export const numberText = (value) => (typeof value === "number" ? plainNumber(Math.round(value)) : "–");

/** What the server knows of who looks: whether it asks at all, and the proof that a change comes from this page. */
export const session = { hasAccounts: false, actor: "", csrf: "" };
export async function learnSession(plan) {
  session.hasAccounts = Boolean(plan.has_accounts);
  session.actor = plan.actor ?? "";
  if (session.hasAccounts) session.csrf = (await json("/api/me")).csrf;
}

async function checked(reply, path) {
  if (reply.ok) return reply.json();
  if (reply.status === 401) location.assign(`/login?to=${encodeURIComponent(location.pathname)}`);
  const problem = (await reply.json().catch(() => ({}))).errors?.[0];
  throw new Error(problem ? `${problem.what}; ${problem.cure}` : `${path}: ${reply.status}`);
}
export async function json(path) { return checked(await fetch(path), path); }

/** Who acts, kept in this browser; without storage it is asked anew. */
let held = "";
export const nameOfOperator = {
  get() { try { return localStorage.getItem(NAME) ?? held; } catch { return held; } },
  set(value) { held = value.trim().slice(0, 60); try { localStorage.setItem(NAME, held); } catch { /* kept for this page */ } },
  field() {
    const input = make("input", { id: "you", type: "text", maxlength: "60", autocomplete: "name", value: this.get() });
    input.addEventListener("input", () => this.set(input.value));
    return input;
  },
};

async function post(path, body) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}` };
  if (session.csrf) headers["X-CSRF-Token"] = session.csrf;
  const name = session.hasAccounts ? "" : nameOfOperator.get();
  if (name) headers["X-Operator"] = encodeURIComponent(name);
  return checked(await fetch(path, { method: "POST", headers, body: JSON.stringify(body) }), path);
}
export const act = (id, action, note) => post(`/api/live/incidents/${encodeURIComponent(id)}/${action}`, { note });
export const tellLeg = (id, legId, state) => post(`/api/live/incidents/${encodeURIComponent(id)}/leg`, { leg_id: legId, state });
export const askWhatIf = (things) => post("/api/live/what-if", { things });

const two = (n) => String(n).padStart(2, "0");
/** Return a time of the server as hours, minutes and seconds; UTC, as all times of a network are. */
export function timeText(atS) {
  const at = new Date(atS * 1000);
  if (Number.isNaN(at.getTime())) return "–";
  return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
}
export function durationText(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < MINUTE_S) return word("secondsAgo", { n: s });
  if (s < HOUR_S) return word("minutesAgo", { n: Math.floor(s / MINUTE_S) });
  if (s < DAY_S) return word("hoursAgo", { n: Math.floor(s / HOUR_S), m: Math.floor((s % HOUR_S) / MINUTE_S) });
  return word("daysAgo", { n: Math.floor(s / DAY_S), m: Math.floor((s % DAY_S) / HOUR_S) });
}
/** Return an incident's cause in words; the thing's name is kept apart from the direction of the text around it. */
export function titleOf(incident) {
  const key = `kind_${incident.root.kind}`;
  const kind = hasWord(key) ? word(key) : incident.root.kind;
  return `${kind}: \u2068${incident.root.name || incident.root.object}\u2069`;
}
