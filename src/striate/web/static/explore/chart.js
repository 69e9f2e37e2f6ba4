// Curves over the steps of a training.

import { make, number, svg, text } from "./dom.js";

const [WIDTH, HEIGHT] = [480, 214];
const MARGIN = { left: 44, right: 10, top: 12, bottom: 34 };
const POINTS = 300; // of a curve that are drawn
const SMOOTHING = 0.9;

/** A chart of curves; `draw` shows what is given to it: `curves` are {name, points: [[x, y], …], faint, index}. */
export function chart(title, { unit = number, tick = unit } = {}) {
  const stage = make("div", { class: "curves" });
  const legend = make("div", { class: "row curve-legend" });
  const figure = make("figure", { class: "chart" }, make("figcaption", {}, title), legend, stage);
  function draw(curves, top, bottom = 0) {
    const right = Math.max(10, ...curves.flatMap(({ points }) => points.map(([x]) => x).slice(-1)));
    const x = (step) => MARGIN.left + ((WIDTH - MARGIN.left - MARGIN.right) * step) / right;
    const y = (value) => MARGIN.top + (HEIGHT - MARGIN.top - MARGIN.bottom) * (1 - (Math.min(value, top) - bottom) / (top - bottom));
    const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => bottom + share * (top - bottom)).flatMap((value) => [
      svg("line", { x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: y(value), y2: y(value), class: "grid-line" }),
      svg("text", { x: MARGIN.left - 7, y: y(value) + 4, class: "tick end" }, tick(value)),
    ]);
    const steps = [0, right / 2, right].map((step) => svg("text", { x: x(step), y: HEIGHT - 18, class: `tick ${step === right ? "end" : step ? "middle" : ""}` }, Math.round(step)));
    const lines = curves.filter(({ points }) => points.length).map(({ points, faint, index }) =>
      svg("polyline", { class: `curve curve-${index}${faint ? " faint" : ""}`, points: thinned(points).map(([step, value]) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`).join(" ") }));
    const last = curves.filter(({ faint, points }) => !faint && points.length);
    const summary = last.map(({ name, points }) => `${name} ${unit(points.at(-1)[1])}`).join(", ");
    stage.replaceChildren(svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}: ${summary}` }, ...grid, ...steps,
      svg("text", { x: WIDTH - MARGIN.right, y: HEIGHT - 5, class: "tick end" }, text("steps")), ...lines));
    legend.replaceChildren(...last.map(({ name, points, index }) =>
      make("span", { class: `curve-name curve-${index}` }, name, " ", make("strong", {}, unit(points.at(-1)[1])))));
  }
  return { figure, draw };
}

function thinned(points) {
  if (points.length <= POINTS) return points;
  const step = (points.length - 1) / (POINTS - 1);
  return Array.from({ length: POINTS }, (_, index) => points[Math.round(index * step)]);
}

/** The running mean of a curve, without the pull of its first value. */
export function smoothed(points) {
  let [mean, weight] = [0, 0];
  return points.map(([step, value]) => {
    mean = SMOOTHING * mean + (1 - SMOOTHING) * value;
    weight = SMOOTHING * weight + (1 - SMOOTHING);
    return [step, mean / weight];
  });
}
