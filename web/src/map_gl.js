// The map on WebGL: MapLibre GL JS with one PMTiles archive a layer.  Nothing comes from another host.
import { Map as GlMap, addProtocol, prewarm, setWorkerCount, setWorkerUrl } from "./vendor/maplibre-gl.mjs";
import { COAST, DISPUTED, FAILED_DASH_PX, GRATICULE, HOLLOW_STOPS, LAND, LAND_EDGE, NO_VALUE, RADIUS_STOPS, WIDTH_STOPS, graticule, graticuleStep, widthIndex } from "./style_rules.js";

setWorkerUrl(new URL("./vendor/maplibre-gl-worker.mjs", import.meta.url).href);
setWorkerCount(2);
prewarm(); // the workers start while the plan's data is on its way

const PICK_PX = 6;
const PADDING_PX = 36;
const NEAR_ZOOM = 7.5;
const NEAR = "--near";
const ASSUMED = "--assumed";

function byZoom(stops, value) {
  return ["interpolate", ["linear"], ["zoom"], ...stops.flatMap(([zoom, values]) => [zoom, value(values)])];
}

function colour(layer, year) {
  if (layer.classes.length === 1) return layer.classes[0].colour;
  const pairs = layer.classes.flatMap((each) => [each.value, each.colour]);
  return ["match", ["get", year ? "c1" : "c0"], ...pairs, NO_VALUE];
}

function pointLayers(layer, year, tiles) {
  const byWeight = (values) => ["match", ["get", "w"], 2, values[2], 1, values[1], values[0]];
  const common = { type: "circle", source: layer.layer_id, "source-layer": tiles.layer };
  const radius = byZoom(RADIUS_STOPS, byWeight);
  return [
    // From afar: plain dots, a fifth cheaper to draw.
    { ...common, id: layer.layer_id, maxzoom: NEAR_ZOOM, paint: { "circle-color": colour(layer, year), "circle-radius": radius, "circle-opacity": 0.9 } },
    // Near: what was not observed is a ring in its own colour, filled faintly; what was is solid with a dark edge.
    {
      ...common, id: `${layer.layer_id}${NEAR}`, minzoom: NEAR_ZOOM,
      paint: {
        "circle-color": colour(layer, year),
        "circle-radius": radius,
        "circle-opacity": ["match", ["get", "s"], 1, 0.35, 1],
        "circle-stroke-color": edge(layer, year),
        "circle-stroke-width": 1.2,
      },
    },
  ];
}

function edge(layer, year) {
  return ["match", ["get", "s"], 0, "#1d2733", colour(layer, year)];
}

// A known route is solid, an assumed one hollow (two thin lines): dashes would vanish on short segments.
function lineLayers(layer, year, tiles) {
  const common = (suffix, filter, isHollow) => ({
    id: layer.layer_id + suffix, type: "line", source: layer.layer_id, "source-layer": tiles.layer, filter,
    layout: { "line-cap": isHollow ? "butt" : "round", "line-join": "round" },
    paint: {
      "line-color": colour(layer, year),
      "line-width": isHollow ? byZoom(HOLLOW_STOPS, (values) => values[0]) : byZoom(WIDTH_STOPS, (values) => values[widthIndex(layer)]),
      ...(isHollow ? { "line-gap-width": byZoom(HOLLOW_STOPS, (values) => values[1]) } : {}),
    },
  });
  const parts = [];
  if (layer.n_not_observed < layer.n_features) parts.push(common("", ["!=", ["get", "s"], 1], false));
  if (layer.n_not_observed > 0) parts.push(common(ASSUMED, ["==", ["get", "s"], 1], true));
  return parts;
}

/** Return whether this browser can draw with WebGL 2. */
export function hasWebGl() {
  try {
    return Boolean(document.createElement("canvas").getContext("webgl2"));
  } catch {
    return false;
  }
}

function baseStyle(outline, bounds) {
  const polygon = ["match", ["geometry-type"], ["Polygon", "MultiPolygon"], true, false];
  return {
    version: 8,
    sources: {
      outline: { type: "geojson", data: outline },
      graticule: { type: "geojson", data: graticule(bounds, graticuleStep(bounds)) },
    },
    layers: [
      { id: "land", type: "fill", source: "outline", filter: polygon, paint: { "fill-color": LAND } },
      { id: "graticule", type: "line", source: "graticule", paint: { "line-color": GRATICULE, "line-width": 0.7 } },
      { id: "coast", type: "line", source: "outline", filter: polygon, paint: { "line-color": COAST, "line-width": 0.8 } },
      { id: "border", type: "line", source: "outline", filter: ["all", ["!", ["get", "is_disputed"]], ["!", polygon]], paint: { "line-color": LAND_EDGE, "line-width": 1.2 } },
      // Wipes out the polygon's edge below, so that a disputed line is dashed and nothing else.
      { id: "disputed-ground", type: "line", source: "outline", filter: ["get", "is_disputed"], paint: { "line-color": LAND, "line-width": 3 } },
      { id: "disputed", type: "line", source: "outline", filter: ["get", "is_disputed"], paint: { "line-color": DISPUTED, "line-width": 1.2, "line-dasharray": [4, 3] } },
    ],
  };
}

/** Return the map on WebGL; see map_canvas.js for the same methods without it. */
export async function createGlMap(container, { outline, bounds, tiles, label }) {
  addProtocol("pmtiles", new window.pmtiles.Protocol().tile);
  const map = new GlMap({
    container, style: baseStyle(outline, bounds), bounds, fitBoundsOptions: { padding: PADDING_PX },
    attributionControl: false, dragRotate: false, pitchWithRotate: false, touchPitch: false, fadeDuration: 0,
    maxZoom: 15, minZoom: 2, renderWorldCopies: false, locale: { "Map.Title": label },
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  const known = new Map();
  const shown = new Map();
  let year = 1;
  let order = [];
  const partsOf = (layer) => (layer.kind === "point" ? pointLayers(layer, year, tiles) : lineLayers(layer, year, tiles));
  const loaded = new Promise((resolve) => { map.once("style.load", resolve); });

  function idsAbove(layerId) {
    const later = order.slice(order.indexOf(layerId) + 1);
    return later.flatMap((id) => shown.get(id) ?? [])[0];
  }
  async function setLayer(layer, isVisible) {
    await loaded;
    if (!isVisible) {
      for (const id of shown.get(layer.layer_id) ?? []) map.removeLayer(id);
      shown.delete(layer.layer_id);
      return;
    }
    if (shown.has(layer.layer_id)) return;
    if (!map.getSource(layer.layer_id)) {
      const url = `pmtiles://${location.origin}/tiles/${layer.layer_id}.pmtiles`;
      map.addSource(layer.layer_id, { type: "vector", url });
    }
    const parts = partsOf(layer);
    const before = idsAbove(layer.layer_id);
    for (const part of parts) map.addLayer(part, before);
    shown.set(layer.layer_id, parts.map((part) => part.id));
    known.set(layer.layer_id, layer);
  }
  function pickable() {
    return [...shown.values()].flat().reverse();
  }
  function found(point) {
    const box = [[point.x - PICK_PX, point.y - PICK_PX], [point.x + PICK_PX, point.y + PICK_PX]];
    const features = map.queryRenderedFeatures(box, { layers: pickable() });
    const distance = (feature) => {
      if (feature.geometry.type !== "Point") return PICK_PX;
      const at = map.project(feature.geometry.coordinates);
      return Math.hypot(at.x - point.x, at.y - point.y) - 2 * (feature.properties.w ?? 0);
    };
    return features.map((feature) => [distance(feature), feature]).sort((a, b) => a[0] - b[0])[0]?.[1];
  }
  return {
    kind: "webgl",
    raw: map,
    setOrder(ids) { order = ids; },
    setLayer,
    setYear(next) {
      year = next;
      for (const [id, parts] of shown) {
        const layer = known.get(id);
        for (const part of parts) {
          map.setPaintProperty(part, layer.kind === "point" ? "circle-color" : "line-color", colour(layer, year));
          if (part.endsWith(NEAR)) map.setPaintProperty(part, "circle-stroke-color", edge(layer, year));
        }
      }
    },
    project(position) { return map.project(position); },
    zoom() { return map.getZoom(); },
    centre() { return map.getCenter().toArray(); },
    onMove(handler) { map.on("move", handler); map.on("resize", handler); },
    onSettle(handler) { map.on("moveend", handler); },
    onPick(handler) {
      map.on("click", (event) => {
        const feature = found(event.point);
        if (feature) {
          const id = feature.layer.id.replace(NEAR, "").replace(ASSUMED, "");
          handler({ layer: id, index: feature.properties.k }, event.point);
        } else handler(null, event.point);
      });
      map.on("mousemove", (event) => { map.getCanvas().style.cursor = found(event.point) ? "pointer" : ""; });
    },
    jumpTo(position, zoom) { map.jumpTo({ center: position, zoom }); map.triggerRepaint(); },
    flyTo(position, zoom) { map.easeTo({ center: position, zoom: Math.max(zoom, map.getZoom()), duration: 500 }); },
    zoomBy(step) { map.easeTo({ zoom: map.getZoom() + step, duration: 200 }); },
    fit() { map.fitBounds(bounds, { padding: PADDING_PX, duration: 300 }); },
    resize() { map.resize(); },
    async trace(line) {
      await loaded;
      const data = { type: "Feature", properties: {}, geometry: { type: "MultiLineString", coordinates: line ?? [] } };
      if (map.getSource("trace")) map.getSource("trace").setData(data);
      else if (line) {
        map.addSource("trace", { type: "geojson", data });
        map.addLayer({ id: "trace", type: "line", source: "trace", paint: { "line-color": "#1d2733", "line-width": 5, "line-opacity": 0.75 } });
      }
    },
    async play(lines) {
      await loaded;
      const features = (lines ?? []).map(({ id, line, colour: own, width, isFailed }) => ({
        type: "Feature", properties: { id, colour: own, width, isFailed }, geometry: { type: "LineString", coordinates: line },
      }));
      const data = { type: "FeatureCollection", features };
      if (map.getSource("play")) map.getSource("play").setData(data);
      else if (lines) {
        map.addSource("play", { type: "geojson", data });
        const round = { "line-cap": "round", "line-join": "round" };
        const width = ["get", "width"];
        map.addLayer({ id: "play-ground", type: "line", source: "play", layout: round, paint: { "line-color": LAND, "line-width": ["+", width, 2] } });
        map.addLayer({ id: "play", type: "line", source: "play", filter: ["!", ["get", "isFailed"]], layout: round, paint: { "line-color": ["get", "colour"], "line-width": width } });
        const dash = FAILED_DASH_PX.map((px) => px / 5);
        map.addLayer({ id: "play-failed", type: "line", source: "play", filter: ["get", "isFailed"], paint: { "line-color": ["get", "colour"], "line-width": width, "line-dasharray": dash } });
      }
    },
    painted: () => new Promise((resolve) => { map.once("idle", resolve); }),
    drawn: () => map.queryRenderedFeatures({ layers: pickable() }).length,
  };
}
