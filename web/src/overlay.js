// Places over either drawing of the map, coloured anew many times a second; neither WebGL nor tiles know of them.
import { RADIUS_STOPS, atZoom } from "./style_rules.js";

const PICK_PX = 7;
const EDGE_PX = 0.4;
const SQUARE_BELOW_PX = 1.9; // nobody sees the difference, and it is several times cheaper
const MARGIN_PX = 12;

/** Return an overlay in `holder` that follows `map`: `show(part, states, colours)` draws, `clear()` removes. */
export function createOverlay(holder, map) {
  const canvas = document.createElement("canvas");
  canvas.id = "overlay";
  canvas.setAttribute("aria-hidden", "true");
  const pen = canvas.getContext("2d");
  let [width, height] = [1, 1];
  let shown = null;
  let nDrawn = 0;

  /** Screen coordinates are a linear function of the unit square's on both maps: two points tell it. */
  function frame(part) {
    const ends = part.ends.map(({ lonLat, xy }) => ({ at: map.project(lonLat), xy }));
    const [a, b] = ends;
    const kx = (b.at.x - a.at.x) / (b.xy[0] - a.xy[0]);
    const ky = (b.at.y - a.at.y) / (b.xy[1] - a.xy[1]);
    return { kx, ky, x0: a.at.x - kx * a.xy[0], y0: a.at.y - ky * a.xy[1] };
  }
  function draw() {
    pen.clearRect(0, 0, width, height);
    nDrawn = 0;
    if (!shown) return;
    const { part, states, colours } = shown;
    const { kx, ky, x0, y0 } = frame(part);
    const radii = [0, 1, 2].map((weight) => atZoom(RADIUS_STOPS, map.zoom(), weight) + EDGE_PX);
    let last = -1;
    // In the order of the places, as the maps draw them: no state hides another.
    for (let k = 0; k < part.nFeatures; k += 1) {
      const x = x0 + kx * part.xy[2 * k];
      const y = y0 + ky * part.xy[2 * k + 1];
      if (x < -MARGIN_PX || y < -MARGIN_PX || x > width + MARGIN_PX || y > height + MARGIN_PX) continue;
      if (states[k] !== last) { last = states[k]; pen.fillStyle = colours[last]; }
      const r = radii[part.weight[k]] ?? radii[0];
      nDrawn += 1;
      if (r < SQUARE_BELOW_PX) { pen.fillRect(x - 0.85 * r, y - 0.85 * r, 1.7 * r, 1.7 * r); continue; }
      pen.beginPath();
      pen.arc(x, y, r, 0, 2 * Math.PI);
      pen.fill();
    }
  }
  function resize() {
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    [width, height] = [canvas.clientWidth, canvas.clientHeight];
    [canvas.width, canvas.height] = [width * ratio, height * ratio];
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    draw();
  }
  const watcher = new ResizeObserver(() => { if (shown) resize(); });
  watcher.observe(holder);
  map.onMove(() => { if (shown) draw(); });
  map.onSettle(() => { if (shown) draw(); });
  return {
    show(part, states, colours) {
      const isNew = !shown;
      shown = { part, states, colours };
      if (isNew) { holder.querySelector("#labels").before(canvas); resize(); } else draw();
    },
    clear() { shown = null; canvas.remove(); },
    /** Return the position of the place at a point, or null. */
    at(point) {
      if (!shown) return null;
      const { part } = shown;
      const { kx, ky, x0, y0 } = frame(part);
      let best = null;
      for (let k = 0; k < part.nFeatures; k += 1) {
        const gap = Math.hypot(x0 + kx * part.xy[2 * k] - point.x, y0 + ky * part.xy[2 * k + 1] - point.y);
        if (gap <= PICK_PX && (!best || gap < best.gap)) best = { gap, index: k };
      }
      return best ? best.index : null;
    },
    drawn: () => nDrawn,
  };
}
