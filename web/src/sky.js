// The sky of a place in the panel: its rim of terrain, the satellites of a day with a slider, and the fixed ones.
import { make } from "./panel.js";
import { word } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const RADIUS = 150; // of the horizontal; the zenith lies in the middle
const CENTRE = 170;
const COLOURS = { ground: "#b9a58a", clear: "#1f4e8c", hidden: "#b3261e", fixed: "#8a6d4b", ring: "#c4c8cd", ink: "#1f2933" };
const RINGS = [0, 30, 60];
const NOON = 12 * 60;
const ltr = (text) => `\u2066${text}\u2069`;

/** Return the point of a direction: north is up, east to the right as on the map. */
function at(azimuth, elevation) {
  const radius = (RADIUS * (90 - elevation)) / 90;
  const turn = (azimuth * Math.PI) / 180;
  return [CENTRE + radius * Math.sin(turn), CENTRE - radius * Math.cos(turn)];
}

function shape(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

/** Return the ground between the horizontal and the rim as a closed band. */
function ground(rim) {
  const corner = (k) => at((360 * k) / rim.length, Math.max(0, rim[k % rim.length])).map((x) => x.toFixed(1)).join(" ");
  const inner = rim.map((_, k) => corner(k)).join("L");
  const outer = `M${CENTRE - RADIUS} ${CENTRE}a${RADIUS} ${RADIUS} 0 1 0 ${2 * RADIUS} 0a${RADIUS} ${RADIUS} 0 1 0 ${-2 * RADIUS} 0Z`;
  return shape("path", { d: `${outer}M${inner}Z`, fill: COLOURS.ground, "fill-rule": "evenodd" });
}

function frame(reply) {
  const svg = shape("svg", { viewBox: `0 0 ${2 * CENTRE} ${2 * CENTRE}`, class: "polar", role: "img", "aria-label": word("skyAxes") });
  svg.append(ground(reply.horizon_deg));
  for (const ring of RINGS) {
    svg.append(shape("circle", { cx: CENTRE, cy: CENTRE, r: (RADIUS * (90 - ring)) / 90, fill: "none", stroke: COLOURS.ring }));
  }
  const least = (RADIUS * (90 - reply.min_elevation_deg)) / 90;
  svg.append(shape("circle", { cx: CENTRE, cy: CENTRE, r: least, fill: "none", stroke: COLOURS.ink, "stroke-dasharray": "3 3", "stroke-width": 0.7 }));
  for (const [text, azimuth] of [["N", 0], ["E", 90], ["S", 180], ["W", 270]]) {
    const [x, y] = at(azimuth, -7);
    svg.append(shape("text", { x, y: y + 4, "text-anchor": "middle", "font-size": 12, fill: COLOURS.ink }, text));
  }
  for (const each of reply.fixed) {
    if (each.elevation_deg <= 0) continue;
    const [x, y] = at(each.azimuth_deg, each.elevation_deg);
    const mark = shape("rect", { x: x - 4, y: y - 4, width: 8, height: 8, fill: each.is_clear ? COLOURS.fixed : COLOURS.hidden });
    mark.append(shape("title", {}, `${each.name}: ${each.elevation_deg.toFixed(1)}°`));
    svg.append(mark);
  }
  return svg;
}

/** Draw one moment: a dot a satellite, with its way since the moment before. */
function draw(layer, steps, k) {
  const before = new Map((steps[k - 1] ?? []).map(([id, azimuth, elevation]) => [id, [azimuth, elevation]]));
  layer.replaceChildren(...steps[k].flatMap(([id, azimuth, elevation, isClear]) => {
    const colour = isClear ? COLOURS.clear : COLOURS.hidden;
    const [x, y] = at(azimuth / 10, elevation / 10);
    const from = before.get(id);
    const dot = shape("circle", { cx: x.toFixed(1), cy: y.toFixed(1), r: 3, fill: colour });
    if (!from) return [dot];
    const [x0, y0] = at(from[0] / 10, from[1] / 10);
    return [shape("path", { d: `M${x0.toFixed(1)} ${y0.toFixed(1)}L${x.toFixed(1)} ${y.toFixed(1)}`, stroke: colour, "stroke-opacity": 0.4, "stroke-width": 1.5 }), dot];
  }));
}

function timeText(reply, k) {
  const minutes = k * reply.step_min;
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}

function view(reply) {
  const svg = frame(reply);
  const layer = svg.appendChild(shape("g", {}));
  const said = make("p", { class: "hint", "aria-live": "polite" });
  const show = (k) => {
    draw(layer, reply.steps, k);
    const clear = reply.steps[k].filter((each) => each[3]).length;
    said.textContent = word("skyNow", { time: ltr(`${timeText(reply, k)} UTC`), n: ltr(String(clear)), hidden: ltr(String(reply.steps[k].length - clear)) });
    document.body.dataset.sky = String(clear);
  };
  const first = Math.min(reply.steps.length - 1, Math.floor(NOON / reply.step_min));
  const slider = make("input", { type: "range", min: 0, max: reply.steps.length - 1, value: first, "aria-label": word("skyTime"), oninput: (event) => show(Number(event.target.value)) });
  show(first);
  const fixed = reply.fixed.map((each) => `${each.name} ${ltr(`${each.elevation_deg.toFixed(0)}°`)}`).join(" · ");
  return [svg, slider, said, make("p", { class: "hint" }, word("skyFixed", { list: fixed })), make("p", { class: "hint" }, word("skyHow")),
    reply.is_coarse_terrain ? make("p", { class: "warn" }, word("skyCoarse")) : null].filter(Boolean);
}

/** Return a viewer: `offer(panel, details)` puts a button for the sky into a place's panel. */
export function createSky(json) {
  function offer(panel, details) {
    const box = make("section", { class: "hop sky" });
    const open = async () => {
      box.replaceChildren(make("h3", {}, word("skyTitle")), make("p", { class: "hint" }, word("loading")));
      try {
        const reply = await json(`/api/sky/${encodeURIComponent(details.id)}`);
        box.replaceChildren(make("h3", {}, word("skyTitle")), ...view(reply));
      } catch (error) {
        box.replaceChildren(make("h3", {}, word("skyTitle")), make("p", { class: "hint" }, `${word("failed")}: ${error.message}`));
      }
    };
    box.append(make("button", { type: "button", class: "sky-open", onclick: open }, word("skyOpen")));
    panel.querySelector(".chips").after(box);
  }
  return { offer };
}
