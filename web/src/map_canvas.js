// The map without WebGL: the same layers from flat arrays on a 2D canvas.
import { COAST, DASH_PX, DISPUTED, FAILED_DASH_PX, GRATICULE, HOLLOW_STOPS, LAND, LAND_EDGE, NO_VALUE, RADIUS_STOPS, WIDTH_STOPS, atZoom, graticule, graticuleStep, widthIndex } from "./style_rules.js";

const TILE_PX = 512; // size of the world at zoom 0, as MapLibre counts zooms
const PADDING_PX = 36;
const PICK_PX = 8;
const MAX_LATITUDE = 85.05;
const PAN_PX = 80;
const CIRCLE_FROM_PX = 1.9; // smaller points are squares: nobody sees the difference

const mercatorX = (lon) => (lon + 180) / 360;
const mercatorY = (lat) => {
  const bounded = Math.max(-MAX_LATITUDE, Math.min(MAX_LATITUDE, lat));
  return 0.5 - Math.log(Math.tan(Math.PI / 4 + (bounded * Math.PI) / 360)) / (2 * Math.PI);
};
const inverseLat = (y) => (360 / Math.PI) * Math.atan(Math.exp((0.5 - y) * 2 * Math.PI)) - 90;

/** Return the arrays of a layer; see packed_features in tiles.py for the layout. */
export function unpack(buffer) {
  const [nFeatures, nVertices] = new Int32Array(buffer, 0, 2);
  const degrees = new Float32Array(buffer, 8, 2 * nVertices);
  const offsets = new Int32Array(buffer, 8 + 8 * nVertices, nFeatures + 1);
  const start = 8 + 8 * nVertices + 4 * (nFeatures + 1);
  const bytes = (k) => new Uint8Array(buffer, start + k * nFeatures, nFeatures);
  const xy = new Float64Array(2 * nVertices);
  for (let k = 0; k < nVertices; k += 1) {
    xy[2 * k] = mercatorX(degrees[2 * k]);
    xy[2 * k + 1] = mercatorY(degrees[2 * k + 1]);
  }
  // Two points beside the first one, so that who draws elsewhere can place the rest.
  const ends = [-1, 1].map((side) => [(degrees[0] || 0) + side, (degrees[1] || 0) + side]).map(([lon, lat]) => ({ lonLat: [lon, lat], xy: [mercatorX(lon), mercatorY(lat)] }));
  return { nFeatures, xy, ends, offsets, classes: [bytes(0), bytes(1)], notObserved: bytes(2), weight: bytes(3) };
}

/** Return the map on a 2D canvas; the methods are those of createGlMap. */
export async function createCanvasMap(container, { outline, bounds, label }) {
  const canvas = document.createElement("canvas");
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", label);
  canvas.style.cssText = "position:absolute;inset:0;width:100%;height:100%;touch-action:none";
  container.append(canvas);
  const pen = canvas.getContext("2d");
  const data = new Map();
  const shown = new Map();
  const moved = [];
  const settled = [];
  const lines = graticule(bounds, graticuleStep(bounds));
  let [width, height, ratio] = [1, 1, 1];
  let view = { x: 0.5, y: 0.5, zoom: 3 };
  let year = 1;
  let order = [];
  let traced = null;
  let played = null;
  let frame = 0;
  let drawnCount = 0;

  const scale = () => TILE_PX * 2 ** view.zoom;
  const px = (x) => (x - view.x) * scale() + width / 2;
  const py = (y) => (y - view.y) * scale() + height / 2;

  function tracePath(rings) {
    for (const ring of rings) {
      ring.forEach(([lon, lat], k) => {
        const [x, y] = [px(mercatorX(lon)), py(mercatorY(lat))];
        if (k) pen.lineTo(x, y); else pen.moveTo(x, y);
      });
    }
  }
  function ringsOf(geometry) {
    return { Polygon: (c) => c, LineString: (c) => [c], MultiLineString: (c) => c, MultiPolygon: (c) => c.flat() }[geometry.type]?.(geometry.coordinates) ?? [];
  }
  function stroke(rings, style, lineWidth, dash = []) {
    pen.beginPath();
    tracePath(rings);
    pen.strokeStyle = style;
    pen.lineWidth = lineWidth;
    pen.setLineDash(dash);
    pen.stroke();
    pen.setLineDash([]);
  }
  function drawBase() {
    pen.clearRect(0, 0, width, height);
    for (const feature of outline.features) {
      if (!feature.geometry.type.endsWith("Polygon")) continue;
      pen.beginPath();
      tracePath(ringsOf(feature.geometry));
      pen.fillStyle = LAND;
      pen.fill("evenodd");
    }
    stroke(lines.geometry.coordinates, GRATICULE, 0.7);
    const inOrder = [...outline.features].sort((a, b) => a.geometry.type.endsWith("Polygon") ? -1 : b.geometry.type.endsWith("Polygon") ? 1 : a.properties.is_disputed - b.properties.is_disputed);
    for (const feature of inOrder) {
      const isDisputed = feature.properties.is_disputed;
      const rings = ringsOf(feature.geometry);
      if (isDisputed) stroke(rings, LAND, 3);
      stroke(rings, isDisputed ? DISPUTED : feature.geometry.type.endsWith("Polygon") ? COAST : LAND_EDGE, 1.2, isDisputed ? DASH_PX : []);
    }
  }
  function drawPoints(layer, part) {
    const radii = [0, 1, 2].map((weight) => atZoom(RADIUS_STOPS, view.zoom, weight));
    const classes = part.classes[year];
    const isLate = view.zoom > 7.5;
    const colours = new Map([...layer.classes.map((each) => [each.value, each.colour]), [255, NO_VALUE]]);
    let last = -1;
    // In the order of the features, as WebGL draws them: no class hides another.
    for (let k = 0; k < part.nFeatures; k += 1) {
      const x = px(part.xy[2 * k]);
      const y = py(part.xy[2 * k + 1]);
      if (x < -9 || y < -9 || x > width + 9 || y > height + 9) continue;
      if (classes[k] !== last) {
        last = classes[k];
        pen.fillStyle = colours.get(last) ?? NO_VALUE;
        pen.strokeStyle = pen.fillStyle;
      }
      const r = radii[part.weight[k]] ?? radii[0];
      drawnCount += 1;
      if (r < CIRCLE_FROM_PX) { pen.fillRect(x - 0.8 * r, y - 0.8 * r, 1.6 * r, 1.6 * r); continue; }
      pen.beginPath();
      pen.arc(x, y, r, 0, 2 * Math.PI);
      if (part.notObserved[k] && isLate) { pen.globalAlpha = 0.35; pen.fill(); pen.globalAlpha = 1; pen.lineWidth = 1.2; pen.stroke(); continue; }
      pen.fill();
      if (!part.notObserved[k] && isLate) { pen.strokeStyle = "#1d2733"; pen.lineWidth = 1; pen.stroke(); pen.strokeStyle = pen.fillStyle; }
    }
  }
  function drawLines(layer, part) {
    const lineWidth = atZoom(WIDTH_STOPS, view.zoom, widthIndex(layer));
    const classes = part.classes[year];
    for (const { value, colour } of layer.classes) {
      for (const flag of [0, 1]) {
        const path = new Path2D();
        for (let k = 0; k < part.nFeatures; k += 1) {
          if (part.notObserved[k] !== flag || (layer.classes.length > 1 && classes[k] !== value)) continue;
          for (let v = part.offsets[k]; v < part.offsets[k + 1]; v += 1) {
            const [x, y] = [px(part.xy[2 * v]), py(part.xy[2 * v + 1])];
            if (v > part.offsets[k]) path.lineTo(x, y); else path.moveTo(x, y);
          }
          drawnCount += 1;
        }
        const [edge, gap] = [0, 1].map((each) => atZoom(HOLLOW_STOPS, view.zoom, each));
        pen.strokeStyle = colour;
        pen.lineWidth = flag ? gap + 2 * edge : lineWidth;
        pen.stroke(path);
        if (!flag) continue;
        pen.strokeStyle = LAND;
        pen.lineWidth = gap;
        pen.stroke(path);
      }
    }
  }
  function draw() {
    frame = 0;
    drawnCount = 0;
    drawBase();
    for (const id of order) {
      const layer = shown.get(id);
      const part = data.get(id);
      if (!layer || !part) continue;
      if (layer.kind === "point") drawPoints(layer, part); else drawLines(layer, part);
    }
    for (const part of played ?? []) stroke([part.line], LAND, part.width + 2);
    for (const part of played ?? []) stroke([part.line], part.colour, part.width, part.isFailed ? FAILED_DASH_PX : []);
    if (traced) stroke(traced, "rgb(29 39 51 / .75)", 5);
    for (const handler of moved) handler();
  }
  function redraw() { if (!frame) frame = requestAnimationFrame(draw); }
  function settle() { redraw(); requestAnimationFrame(() => { for (const handler of settled) handler(); }); }
  function resize() {
    ratio = Math.min(2, window.devicePixelRatio || 1);
    width = container.clientWidth;
    height = container.clientHeight;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    redraw();
  }
  function fit() {
    const [x0, x1] = [mercatorX(bounds[0]), mercatorX(bounds[2])];
    const [y0, y1] = [mercatorY(bounds[3]), mercatorY(bounds[1])];
    const fits = Math.min((width - 2 * PADDING_PX) / (x1 - x0), (height - 2 * PADDING_PX) / (y1 - y0));
    view = { x: (x0 + x1) / 2, y: (y0 + y1) / 2, zoom: Math.log2(fits / TILE_PX) };
    settle();
  }
  function zoomAt(step, x = width / 2, y = height / 2) {
    const [mx, my] = [view.x + (x - width / 2) / scale(), view.y + (y - height / 2) / scale()];
    view.zoom = Math.max(2, Math.min(15, view.zoom + step));
    view.x = mx - (x - width / 2) / scale();
    view.y = my - (y - height / 2) / scale();
    settle();
  }
  function pan(dx, dy) { view.x -= dx / scale(); view.y -= dy / scale(); redraw(); }

  function nearest(x, y) {
    let best = null;
    for (const id of [...order].reverse()) {
      const layer = shown.get(id);
      const part = data.get(id);
      if (!layer || !part) continue;
      for (let k = 0; k < part.nFeatures; k += 1) {
        for (let v = part.offsets[k]; v < part.offsets[k + 1]; v += 1) {
          const [ax, ay] = [px(part.xy[2 * v]), py(part.xy[2 * v + 1])];
          let gap = Math.hypot(ax - x, ay - y);
          if (v > part.offsets[k]) {
            const [bx, by] = [px(part.xy[2 * v - 2]), py(part.xy[2 * v - 1])];
            const t = Math.max(0, Math.min(1, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2 || 1)));
            gap = Math.hypot(ax + t * (bx - ax) - x, ay + t * (by - ay) - y);
          }
          if (gap <= PICK_PX && (!best || gap < best.gap)) best = { gap, id, index: k };
        }
      }
      if (best) break;
    }
    return best;
  }

  resize();
  new ResizeObserver(resize).observe(container);
  let held = null;
  canvas.addEventListener("pointerdown", (event) => { held = { x: event.offsetX, y: event.offsetY, far: 0 }; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => {
    if (!held) return;
    const [dx, dy] = [event.offsetX - held.x, event.offsetY - held.y];
    held = { x: event.offsetX, y: event.offsetY, far: held.far + Math.abs(dx) + Math.abs(dy) };
    pan(dx, dy);
  });
  let picked = () => {};
  canvas.addEventListener("pointerup", (event) => {
    const isClick = held && held.far < 4;
    held = null;
    if (!isClick) { settle(); return; }
    const hit = nearest(event.offsetX, event.offsetY);
    picked(hit && { layer: hit.id, index: hit.index }, { x: event.offsetX, y: event.offsetY });
  });
  canvas.addEventListener("wheel", (event) => { event.preventDefault(); zoomAt(-event.deltaY / 400, event.offsetX, event.offsetY); }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: [PAN_PX, 0], ArrowRight: [-PAN_PX, 0], ArrowUp: [0, PAN_PX], ArrowDown: [0, -PAN_PX] };
    if (moves[event.key]) { pan(...moves[event.key]); settle(); event.preventDefault(); }
    if (event.key === "+" || event.key === "=") zoomAt(1);
    if (event.key === "-") zoomAt(-1);
  });
  fit();
  let pending = Promise.resolve();
  return {
    kind: "canvas",
    setOrder(ids) { order = ids; },
    setLayer(layer, isVisible) {
      if (!isVisible) { shown.delete(layer.layer_id); redraw(); return Promise.resolve(); }
      shown.set(layer.layer_id, layer);
      const load = data.has(layer.layer_id) ? Promise.resolve() : fetch(`/features/${layer.layer_id}.bin`)
        .then((reply) => reply.arrayBuffer())
        .then((buffer) => { data.set(layer.layer_id, unpack(buffer)); });
      pending = Promise.all([pending, load.then(redraw)]);
      return load;
    },
    setYear(next) { year = next; redraw(); },
    project([lon, lat]) { return { x: px(mercatorX(lon)), y: py(mercatorY(lat)) }; },
    zoom: () => view.zoom,
    centre: () => [view.x * 360 - 180, inverseLat(view.y)],
    onMove(handler) { moved.push(handler); },
    onSettle(handler) { settled.push(handler); },
    onPick(handler) { picked = handler; },
    flyTo([lon, lat], zoom) { view = { x: mercatorX(lon), y: mercatorY(lat), zoom: Math.max(zoom, view.zoom) }; settle(); },
    zoomBy(step) { zoomAt(step); },
    fit,
    resize,
    async trace(line) { traced = line; redraw(); },
    async play(lines) { played = lines; redraw(); },
    painted: async () => { await pending; await new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(resolve)); }); },
    drawn: () => drawnCount,
  };
}
