// What both drawings of the map share: colours of the base, sizes by zoom, graticule.
export const LAND = "#fbfaf6";
export const LAND_EDGE = "#8d949c";
export const DISPUTED = "#6f7780";
export const COAST = "#aab4bc";
export const GRATICULE = "#d3dbe0";
export const NO_VALUE = "#c4c8cd";
export const DASH_PX = [5, 3];
export const FAILED_DASH_PX = [7, 5];

/** Radius of a point in pixels at a zoom; weight 0 village, 1 town, 2 city. */
export const RADIUS_STOPS = [[4, [1.1, 2.2, 3.6]], [6, [1.7, 3.2, 5]], [8, [3, 5, 7]], [11, [6, 8, 10]]];
/** Width of a line in pixels at a zoom: existing, planned, few (a network of a few hundred links). */
export const WIDTH_STOPS = [[4, [0.7, 0.7, 2]], [6, [1, 1.1, 2.6]], [8, [1.4, 2, 3.4]], [11, [2.5, 4, 5]]];
const FEW = 1000;

/** Return which of the widths a layer of lines has. */
export const widthIndex = (layer) => (layer.engine && layer.n_features <= FEW ? 2 : layer.is_planned ? 1 : 0);

/** Hollow line at a zoom: width of each edge, gap between them. */
export const HOLLOW_STOPS = [[4, [0.5, 0.7]], [7, [0.8, 1.2]], [11, [1.3, 3]]];

/** Return the value at a zoom, straight between stops. */
export function atZoom(stops, zoom, index) {
  const [first] = stops;
  if (zoom <= first[0]) return first[1][index];
  for (let k = 1; k < stops.length; k += 1) {
    const [z1, v1] = stops[k];
    if (zoom <= z1) {
      const [z0, v0] = stops[k - 1];
      return v0[index] + ((zoom - z0) / (z1 - z0)) * (v1[index] - v0[index]);
    }
  }
  return stops[stops.length - 1][1][index];
}

/** Return graticule lines every `step` degrees round a box, as GeoJSON. */
export function graticule([west, south, east, north], step) {
  const lines = [];
  const [w, s] = [Math.floor(west / step) * step - 4 * step, Math.max(-80, Math.floor(south / step) * step - 4 * step)];
  const [e, n] = [Math.ceil(east / step) * step + 4 * step, Math.min(84, Math.ceil(north / step) * step + 4 * step)];
  for (let lon = w; lon <= e; lon += step) lines.push([[lon, s], [lon, n]]);
  for (let lat = s; lat <= n; lat += step) lines.push([[w, lat], [e, lat]]);
  return { type: "Feature", properties: {}, geometry: { type: "MultiLineString", coordinates: lines } };
}

/** Return a round step of degrees that gives about six lines across a box. */
export function graticuleStep([west, , east]) {
  return [0.1, 0.25, 0.5, 1, 2, 5, 10].find((step) => (east - west) / step <= 9) ?? 20;
}

/** Return [west, south, east, north] of GeoJSON features, or null where there are none. */
export function boundsOf(features) {
  const box = [180, 90, -180, -90];
  const visit = (part) => {
    if (typeof part[0] === "number") {
      box[0] = Math.min(box[0], part[0]); box[1] = Math.min(box[1], part[1]);
      box[2] = Math.max(box[2], part[0]); box[3] = Math.max(box[3], part[1]);
    } else part.forEach(visit);
  };
  for (const feature of features) visit(feature.geometry.coordinates);
  return box[0] <= box[2] ? box : null;
}
