// A filter that slides over an input, computed here: kernel, stride, padding, dilation, and the size of the output.

import { make, number, select, text } from "./dom.js";
import { color, css, ink } from "./draw.js";

const KERNELS = {
  edge: (_, x, size) => (x === 0 ? 1 : x === size - 1 ? -1 : 0),
  blur: (_y, _x, size) => 1 / (size * size),
  sharpen: (y, x, size) => (2 * y + 1 === size && 2 * x + 1 === size ? 2 * size - 1 : 2 * y + 1 === size || 2 * x + 1 === size ? -1 : 0),
  max_pool: () => 1,
};
const INTERVAL = 700; // milliseconds
const settings = { kind: "edge", size: 6, kernel: 3, stride: 1, padding: "valid", dilation: 1 };

/** Return [before, after]: how many rows of padding there are. */
export function margins({ size, kernel, stride, padding, dilation }) {
  if (padding === "valid") return [0, 0];
  if (padding !== "same") return [Number(padding), Number(padding)];
  const all = Math.max(0, (Math.ceil(size / stride) - 1) * stride + dilation * (kernel - 1) + 1 - size);
  return [Math.floor(all / 2), Math.ceil(all / 2)];
}

export function outputSize(chosen) {
  const [before, after] = margins(chosen);
  return Math.floor((chosen.size + before + after - chosen.dilation * (chosen.kernel - 1) - 1) / chosen.stride) + 1;
}

/** The input: bright at the left and dark at the right, as in the lectures; for pooling, numbers that differ. */
const inputValue = ({ kind, size }, y, x) => (kind === "max_pool" ? (7 * y + 3 * x + x * y) % 10 : x < size / 2 ? 10 : 0);

function compute(chosen, row, column) {
  const { kind, size, kernel, stride, dilation } = chosen;
  const [before] = margins(chosen);
  const cells = [];
  for (let i = 0; i < kernel; i++) {
    for (let j = 0; j < kernel; j++) {
      const [y, x] = [row * stride - before + i * dilation, column * stride - before + j * dilation];
      const inside = y >= 0 && x >= 0 && y < size && x < size;
      cells.push({ y, x, inside, value: inside ? inputValue(chosen, y, x) : 0, weight: KERNELS[kind](i, j, kernel) });
    }
  }
  const inner = cells.filter((cell) => cell.inside).map((cell) => cell.value);
  const result = kind === "max_pool" ? Math.max(...inner) : cells.reduce((sum, cell) => sum + cell.value * cell.weight, 0);
  return { cells, result };
}

export async function showSliding(_, __, signal) {
  let [position, timer] = [0, null];
  const stage = make("div", { class: "sliding" });
  const formula = make("div", { class: "formula" });
  const play = make("button", { type: "button", class: "main", click: () => (timer ? pause() : start()) });
  const step = make("button", { type: "button", click: () => (pause(), advance()) }, text("step"));
  const count = () => Math.max(0, outputSize(settings)) ** 2;
  function start() {
    timer = setInterval(() => (signal.aborted ? pause() : advance()), INTERVAL);
    play.textContent = text("pause");
  }
  function pause() {
    clearInterval(timer);
    timer = null;
    play.textContent = text("play");
  }
  function advance() {
    position = (position + 1) % (count() || 1);
    draw();
  }
  function draw() {
    const size = outputSize(settings);
    const [before, after] = margins(settings);
    const { kernel, stride, dilation } = settings;
    formula.replaceChildren(make("p", { class: "soft" }, text("formula")),
      make("output", {}, `⌊(${settings.size} + ${before + after} − ${dilation} × (${kernel} − 1) − 1) / ${stride}⌋ + 1 = ${Math.max(0, size)}`),
      ...(before !== after ? [make("p", { class: "soft" }, text("odd_padding"))] : []));
    if (size < 1) {
      stage.replaceChildren(make("p", { class: "error" }, text("does_not_fit")));
      return;
    }
    const [row, column] = [Math.floor(position / size), position % size];
    const now = compute(settings, row, column);
    const under = new Set(now.cells.map(({ y, x }) => `${y},${x}`));
    const input = table(text("input"), settings.size + before + after, (i, j) => {
      const [y, x] = [i - before, j - before];
      const inside = y >= 0 && x >= 0 && y < settings.size && x < settings.size;
      return { value: inside ? inputValue(settings, y, x) : 0, padding: !inside, marked: under.has(`${y},${x}`) };
    }, 0, 10);
    const weights = table(text("kernel"), kernel, (i, j) => ({ value: KERNELS[settings.kind](i, j, kernel) }), -1, 1);
    const results = Array.from({ length: size * size }, (_unused, index) => compute(settings, Math.floor(index / size), index % size).result);
    const [low, high] = [Math.min(0, ...results), Math.max(...results)];
    const output = table(text("result"), size, (i, j) => {
      const index = i * size + j;
      return { value: index <= position ? results[index] : null, marked: index === position };
    }, low, high);
    const terms = now.cells.filter(({ inside }) => inside || settings.kind !== "max_pool");
    const sum = settings.kind === "max_pool"
      ? `max(${terms.map(({ value }) => number(value)).join(", ")}) = ${number(now.result)}`
      : `${terms.map(({ value, weight }) => `${number(value)} × ${weight < 0 ? `(${number(weight)})` : number(weight)}`).join(" + ")} = ${number(now.result)}`;
    stage.replaceChildren(input, ...(settings.kind === "max_pool" ? [] : [weights]), output, make("p", { class: "sum-line" }, sum));
  }
  function change(name, value) {
    settings[name] = value;
    position = 0;
    draw();
  }
  const slider = (name, low, high) => {
    const shown = make("span", {}, settings[name]);
    const range = make("input", { type: "range", min: low, max: high, value: settings[name], input: () => (shown.textContent = range.value, change(name, Number(range.value))) });
    return make("label", { class: "field" }, make("span", {}, text({ size: "size", kernel: "kernel_size" }[name] ?? name), " ", shown), range);
  };
  const controls = make("div", { class: "controls" },
    select(text("operation"), Object.keys(KERNELS).map((name) => [name, text(name)]), settings.kind, (value) => change("kind", value)),
    select(text("pad"), [["valid", "valid"], ["same", "same"], ...[1, 2, 3].map((n) => [n, text("pad_n", { n })])], settings.padding, (value) => change("padding", value)),
    slider("size", 3, 9), slider("kernel", 1, 5), slider("stride", 1, 3), slider("dilation", 1, 3));
  pause();
  draw();
  return [make("h1", {}, text("filter_title")), make("p", { class: "soft" }, text("filter_help")), controls, make("div", { class: "row" }, play, step), formula, stage];
}

function table(name, size, cell, low, high) {
  const box = make("div", { class: "grid" });
  box.style.gridTemplateColumns = `repeat(${size}, minmax(1.9rem, 2.6rem))`;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      const { value, padding, marked } = cell(i, j);
      const made = make("span", { class: `cell${padding ? " padding" : ""}${marked ? " marked" : ""}` }, value === null ? "" : number(Number(value.toFixed(2))));
      if (value !== null && !padding) {
        const shade = color(value, low, high);
        Object.assign(made.style, { background: css(shade), color: ink(shade) });
      }
      box.append(made);
    }
  }
  return make("figure", {}, make("figcaption", { class: "soft" }, `${name} ${size}×${size}`), box);
}
