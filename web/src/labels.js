// Names as HTML over the map (so no glyph server is needed), the highlight ring and the scale bar.
import { nameOf } from "./words.js";

const LARGE_PEOPLE = 1_000_000;
const GAP_PX = 6;
const MAX_SHOWN = 60;
const METRES_PER_DEGREE = 111_320; // along a meridian, mean
const SCALE_PX = 110;

/** Keep names in place over a map; hides those that would overlap. */
export function createLabels(holder, map) {
  let entries = [];
  let ring = null;
  function place(element, at, dx, dy) {
    element.style.transform = `translate(${Math.round(at.x + dx)}px, ${Math.round(at.y + dy)}px)`;
  }
  function move() {
    for (const entry of entries) if (entry.isShown) place(entry.element, map.project(entry.position), 7, -entry.height / 2);
    if (ring) place(ring.element, map.project(ring.position), -13.5, -13.5);
  }
  function settle() {
    const [width, height] = [holder.clientWidth, holder.clientHeight];
    const taken = [];
    for (const entry of entries) {
      const at = map.project(entry.position);
      const box = [at.x, at.y - entry.height / 2, at.x + entry.width + 12, at.y + entry.height / 2];
      const isInside = at.x > 4 && at.y > 12 && box[2] < width && at.y < height - 26;
      const isFree = !taken.some((other) => box[0] < other[2] + GAP_PX && box[2] + GAP_PX > other[0] && box[1] < other[3] && box[3] > other[1]);
      entry.isShown = isInside && isFree && taken.length < MAX_SHOWN;
      entry.element.classList.toggle("off", !entry.isShown);
      if (entry.isShown) taken.push(box);
    }
    move();
  }
  map.onMove(move);
  map.onSettle(settle);
  return {
    show(rows) {
      holder.querySelectorAll(".label").forEach((element) => element.remove());
      entries = rows.map((row) => {
        const name = nameOf(row);
        const element = document.createElement("span");
        element.className = row.weight >= LARGE_PEOPLE ? "label large" : "label";
        element.lang = name.lang;
        element.textContent = name.text;
        holder.append(element);
        return { element, position: [row.lon_deg, row.lat_deg], isShown: false, width: 0, height: 0 };
      });
      for (const entry of entries) { entry.width = entry.element.offsetWidth; entry.height = entry.element.offsetHeight; }
      settle();
    },
    mark(position) {
      ring?.element.remove();
      ring = null;
      if (!position) return;
      const element = document.createElement("span");
      element.className = "marker";
      holder.append(element);
      ring = { element, position };
      move();
    },
    settle,
  };
}

/** Keep the scale bar true at the centre of the map. */
export function createScale(holder, map) {
  const bar = holder.querySelector("span");
  function update() {
    const [lon, lat] = map.centre();
    const [a, b] = [map.project([lon, lat]), map.project([lon + 0.1, lat])];
    const metresPerPx = (0.1 * METRES_PER_DEGREE * Math.cos((lat * Math.PI) / 180)) / Math.max(1e-9, Math.abs(b.x - a.x));
    const most = metresPerPx * SCALE_PX;
    const power = 10 ** Math.floor(Math.log10(most));
    const metres = [5, 2, 1].map((k) => k * power).find((value) => value <= most) ?? power;
    bar.style.width = `${Math.round(metres / metresPerPx)}px`;
    bar.textContent = metres >= 1000 ? `${metres / 1000} km` : `${metres} m`;
  }
  map.onSettle(update);
  update();
}
