// The entry page: wrong predictions by pair of classes, then the others.

import { get, thumbnails } from "./api.js";
import { make, percent, text, whole } from "./dom.js";

const FIRST = 12; // images of a pair
const STEP = 60;

export async function showImages(state) {
  const { model } = state;
  const { labels, predicted, classes } = model;
  const all = [...predicted.keys()];
  if (!all.length) {
    return [make("h1", {}, text("all_images")), make("p", {}, text("no_images")), ...notes(model),
      make("p", {}, make("a", { class: "button", href: "#/own" }, text("nav_own")))];
  }
  if (!labels || !model.is_classifier) {
    return [make("h1", {}, text("all_images")), ...notes(model), await grid(state, all, STEP)];
  }
  const checked = all.filter((index) => predicted[index] >= 0);
  const wrong = checked.filter((index) => predicted[index] !== labels[index]);
  const pairs = new Map();
  for (const index of wrong) {
    const key = `${labels[index]} ${predicted[index]}`;
    pairs.set(key, [...(pairs.get(key) ?? []), index]);
  }
  const sorted = [...pairs].sort(([, a], [, b]) => b.length - a.length);
  const sections = await Promise.all(sorted.map(async ([key, indices]) => {
    const [label, guess] = key.split(" ").map((index) => classes[index]);
    indices.sort((a, b) => model.probabilities[b] - model.probabilities[a]); // the surest first
    const title = make("h2", {}, text("pair", { true: label, predicted: guess }), " ", make("span", { class: "soft" }, `× ${indices.length}`));
    return make("section", { class: "pair" }, title, await grid(state, indices, FIRST));
  }));
  const right = all.filter((index) => predicted[index] === labels[index] || predicted[index] < 0);
  const lead = wrong.length
    ? text("mistakes_count", { wrong: whole(wrong.length), count: whole(checked.length), percent: percent(wrong.length / checked.length) })
    : text("no_mistakes", { count: whole(checked.length) });
  return [
    make("h1", {}, text("mistakes", { name: model.name })), make("p", {}, lead), ...notes(model),
    make("div", { class: "pairs" }, ...sections),
    make("section", {}, make("h2", {}, text("right")), await grid(state, right, STEP)),
  ];
}

const notes = (model) => model.notes.map((note) => make("p", { class: "soft" }, note));

/** Thumbnails, with a button for more if there are more than `shown`. */
async function grid(state, indices, shown) {
  const box = make("div", { class: "thumbnails" });
  const more = make("button", { type: "button", click: () => add() }, text("more"));
  let next = 0;
  async function add() {
    const part = indices.slice(next, next + (next ? STEP : shown));
    next += part.length;
    const urls = await thumbnails(part);
    more.before(...part.map((index) => thumbnail(state.model, index, urls[index])));
    more.hidden = next >= indices.length;
  }
  box.append(more);
  await add();
  return box;
}

function thumbnail(model, index, url) {
  const { classes, predicted, probabilities, labels } = model;
  const guess = predicted[index] < 0 ? "" : classes[predicted[index]];
  const name = imageName(model, String(index));
  const label = [name];
  if (guess) label.push(text("predicted", { label: guess, percent: percent(probabilities[index]) }));
  if (labels) label.push(text("true", { label: classes[labels[index]] }));
  return make("a", { class: "thumbnail", href: `#/why/${index}`, "aria-label": label.join(", "), title: label.join(", ") },
    make("img", { src: url, alt: "" }), make("span", {}, name), guess ? make("span", {}, `${guess} · ${Math.round(100 * probabilities[index])} %`) : null);
}

/** The chosen image with its prediction, above the views of one image. */
export async function imageCard(state, key, links = []) {
  const [info, urls] = await Promise.all([get(`images/${key}`), thumbnails([key])]);
  state.image = key;
  const { classes, is_classifier: isClassifier } = state.model;
  const best = info.probabilities.indexOf(Math.max(...info.probabilities));
  const lines = [make("strong", {}, info.name ? info.name.split(/[\\/]/).at(-1) : imageName(state.model, key))];
  if (isClassifier) lines.push(make("span", {}, text("predicted", { label: classes[best], percent: percent(info.probabilities[best]) })));
  if (info.label !== null && isClassifier) {
    lines.push(make("span", { class: best === info.label ? "" : "error" }, text("true", { label: classes[info.label] })));
  }
  return make("div", { class: "card" }, make("img", { src: urls[key], alt: "" }), make("div", { class: "lines" }, ...lines),
    make("div", { class: "links" }, ...links.map(([href, name]) => make("a", { class: "button", href }, text(name)))));
}

/** Return the name of an image: in a lesson, its number is that in the images from which the lesson was made. */
export function imageName({ keys }, shown) {
  const key = keys?.[shown] ?? shown;
  return key.startsWith("u") ? text("own_image") : key.startsWith("t") ? text("training_image", { id: key.slice(1) }) : text("image", { id: key });
}

/** Return the first layer with feature maps after the image, which is where looking begins. */
export function firstLayer({ nodes }) {
  const found = nodes.findIndex(({ kind, shape }) => /Conv/.test(kind) && shape.length === 3);
  return found < 0 ? nodes.length - 1 : found;
}
