// Why this answer: three methods of attribution for two classes side by side.

import { array, follow, get, thumbnails } from "./api.js";
import { firstLayer, imageCard, imageName } from "./images.js";
import { bars, make, messageOf, number, percent, select, text } from "./dom.js";
import { imageCanvas, overlayCanvas } from "./draw.js";
import { searchBox } from "./search.js";

const METHODS = ["occlusion", "grad_cam", "integrated_gradients"];

export async function showWhy(state, [key, first, second], signal) {
  const { model } = state;
  const image = key || state.image;
  if (image === null) return [make("h1", {}, text("why_title")), make("p", {}, text("choose_image"))];
  if (!model.classes.length) return [make("h1", {}, text("why_title")), await imageCard(state, image, [[`#/layer/${image}/${firstLayer(model)}`, "maps_link"]]), make("p", {}, text("no_scores")), ...nearest(state, image, signal)];
  const [info, card] = await Promise.all([get(`images/${image}`), imageCard(state, image, [[`#/layer/${image}/${firstLayer(model)}`, "maps_link"], [`#/network`, "nav_network"]])]);
  const order = [...info.probabilities.keys()].sort((a, b) => info.probabilities[b] - info.probabilities[a]);
  const chosen = [Number(first ?? order[0])];
  chosen.push(Number(second ?? (info.label !== null && info.label !== chosen[0] ? info.label : order.find((index) => index !== chosen[0]) ?? chosen[0])));
  const options = (info.explained ?? [...model.classes.keys()]).map((index) => [index, model.classes[index]]);
  const go = (a, b) => (location.hash = `#/why/${image}/${a}/${b}`);
  const pixels = array(info.pixels);
  const figures = [];
  const rows = METHODS.map((method) => {
    const help = make("p", { class: "soft" });
    const pair = chosen.map((index) => figure(model.classes[index], method, index, pixels, help));
    figures.push(...pair);
    return make("section", { class: "method", id: method }, make("h2", {}, text(method)), make("div", { class: "pair-of" }, ...pair.map(({ box }) => box)), help);
  });
  draw(figures, `images/${image}/attributions?class=${[...new Set(chosen)].join(",")}`, signal);
  return [
    make("h1", {}, text("why_title")), card,
    make("div", { class: "own" }, make("div", {}, bars(model.classes, info.probabilities)),
      make("div", { class: "row" }, select(text("class_1"), options, chosen[0], (value) => go(value, chosen[1])),
        select(text("class_2"), options, chosen[1], (value) => go(chosen[0], value)))),
    make("p", { class: "soft" }, text("why_help"), " ", make("span", { class: "legend for" }, text("for")), " ", make("span", { class: "legend against" }, text("against"))),
    make("p", { class: "soft" }, text("why_difference")),
    make("div", { class: "methods" }, ...rows), ...nearest(state, image, signal),
  ];
}

/** The images that the network takes for most similar. */
function nearest({ model }, image, signal) {
  const images = model.training || model.count;
  if (!images || model.views) return []; // a lesson contains no data set
  const found = async ({ layer, part, images }) => {
    const urls = await thumbnails(images.map((each) => each.image));
    const links = images.map(({ image: key, distance, label }) => {
      const name = label === null ? "" : model.classes[label];
      const title = text("nearest_label", { image: imageName(model, key), name, distance: number(distance) });
      return make("a", { class: "thumbnail", href: `#/why/${key}`, "aria-label": title, title },
        make("img", { src: urls[key], alt: "" }), make("span", {}, name, name ? " · " : "", number(distance)));
    });
    return [make("p", { class: "soft" }, text(`nearest_${part}`, { layer })), make("div", { class: "thumbnails" }, ...links)];
  };
  const { box } = searchBox({ model, images, path: () => `images/${image}/nearest`, show: found, signal });
  return [make("section", { id: "nearest" }, make("h2", {}, text("nearest")), box)];
}

/** Show the answers of the server in the figures: coarse at first, then more and more exact. */
async function draw(figures, path, signal) {
  try {
    for await (const line of follow(path, { signal })) {
      if (line.problem) line.problem = text("failed", { reason: messageOf(line) });
      for (const { method, index, show } of figures) if (line.method === method && line.class === index) show(line);
    }
  } catch (error) {
    if (error.name !== "AbortError") for (const { show } of figures) show({ problem: error.message });
  }
}

/** A method for a class: its element, and a function that shows an answer of the server. */
function figure(name, method, index, pixels, help) {
  const state = make("span", { class: "soft" }, text("loading"));
  const notes = make("span", {});
  const image = imageCanvas(pixels, { class: "pixels faint" });
  const stack = make("div", { class: "stack", role: "img", "aria-label": `${text(method)}: ${name}` }, image);
  const box = make("figure", { "aria-busy": "true" }, stack, make("figcaption", {}, make("strong", {}, name), " ", state, notes));
  function show(answer) {
    if (box.ariaBusy === "false") return;
    const { problem, values, done, total, score } = answer;
    if (problem) Object.assign(state, { textContent: problem, className: "error" });
    else state.textContent = values && done === total ? text("score", { value: number(score) }) : text("computed", { percent: percent(done / total) });
    if (problem || (values && done === total)) box.ariaBusy = "false";
    if (!values) return;
    stack.replaceChildren(image, overlayCanvas(array(values)));
    help.textContent = text(`${method}_help`, { layer: answer.layer });
    const lines = [];
    if (method === "grad_cam" && !array(values).values.some(Boolean)) lines.push(text("grad_cam_empty"));
    if (method === "integrated_gradients") lines.push(sumLine(answer));
    notes.replaceChildren(...lines.map((line) => make("span", { class: "soft sum-of" }, line)));
  }
  return { box, method, index, show };
}

/** Whether the pixels sum up to the difference of the scores, also as the page rounds them, or how far they are from it. */
function sumLine({ sum, score, baseline_score: base }) {
  const difference = score - base;
  const off = Math.abs(sum - difference) / Math.abs(difference || 1);
  const rounded = Number(score.toPrecision(4)) - Number(base.toPrecision(4));
  const line = text("ig_sum", { sign: off <= 0.01 && number(sum) === number(rounded) ? "=" : "≈", sum: number(sum), score: number(score), base: number(base) });
  return off <= 0.01 ? line : `${line} ${text("ig_off", { percent: percent(off) })}`;
}
