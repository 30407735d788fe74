// The map of the live page: places by whether they are served, and a mark at the cause of each incident.
import { unpack } from "/map/map_canvas.js";
import { createOverlay } from "/map/overlay.js";
import { make } from "/map/panel.js";
import { numberText, titleOf } from "./common.js";

const COLOURS = ["rgb(122 140 156 / .38)", "#f0b849", "#ff5a4f"]; // served, at risk, without
const MAX_MARKS = 60;
const SMALL_PX = 600; // a narrow map holds fewer and smaller marks
const SIZE_PX = [9, 26];

/** Return the field; `refresh()` asks how places fare, `marks(incidents, chosen)` draws causes. */
export async function createField({ stage, map, holder, onPick }) {
  const overlay = createOverlay(stage, map);
  const part = await fetch("/api/live/places.bin").then((reply) => reply.arrayBuffer()).then(unpack);
  let drawn = [];
  let etag = "";
  function move() {
    for (const { element, position, size } of drawn) {
      const at = map.project(position);
      element.style.transform = `translate(${Math.round(at.x - size / 2)}px, ${Math.round(at.y - size / 2)}px)`;
    }
  }
  map.onMove(move);
  map.onSettle(move);
  return {
    async refresh() {
      const reply = await fetch("/api/live/places-state.bin", { headers: etag ? { "If-None-Match": etag } : {} });
      if (reply.status === 304 || !reply.ok) return;
      const states = new Uint8Array(await reply.arrayBuffer());
      if (states.length !== part.nFeatures) return;
      etag = reply.headers.get("ETag") ?? "";
      if (part.nFeatures) overlay.show(part, states, COLOURS);
    },
    marks(incidents, chosen) {
      const isSmall = holder.clientWidth < SMALL_PX;
      const some = incidents.filter((each) => each.position).slice(0, isSmall ? MAX_MARKS / 3 : MAX_MARKS);
      drawn = some.map((each) => {
        const n = each.customers_without_service;
        const size = Math.round(SIZE_PX[0] + (SIZE_PX[1] - SIZE_PX[0]) * Math.min(1, Math.log10(1 + n) / 6) ** 3) * (isSmall ? 0.7 : 1);
        const text = `${titleOf(each)} · ${numberText(n)}`;
        const element = make("button", { type: "button", class: `mark${n ? " bad" : ""}`, title: text, "aria-label": text, "aria-pressed": String(each.incident_id === chosen), tabindex: "-1", onclick: () => onPick(each.incident_id) });
        element.style.width = `${size}px`;
        element.style.height = `${size}px`;
        return { element, position: each.position, size };
      });
      holder.replaceChildren(...drawn.map((each) => each.element));
      move();
    },
    drawn: () => overlay.drawn(),
  };
}
