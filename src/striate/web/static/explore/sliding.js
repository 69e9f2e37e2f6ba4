// A filter that slides over an input, computed here: kernel, stride, padding, dilation, and the size of the output.

import { array, get } from "./api.js";
import { imageCard } from "./images.js";
import { make, number, select, text } from "./dom.js";
import { color, css, imageCanvas, ink, mapCanvas, place } from "./draw.js";

const KERNELS = {
  edge: (_, x, size) => (x === 0 ? 1 : x === size - 1 ? -1 : 0),
  blur: (_y, _x, size) => 1 / (size * size),
  sharpen: (y, x, size) => (2 * y + 1 === size && 2 * x + 1 === size ? 2 * size - 1 : 2 * y + 1 === size || 2 * x + 1 === size ? -1 : 0),
  max_pool: () => 1,
};
const INTERVAL = { numbers: 700, image: 60 }; // milliseconds
const LARGEST = 28; // pixels of a side of an image over which the filter slides
const settings = { source: "numbers", kind: "edge", size: 6, channels: 1, kernel: 3, stride: 1, padding: "valid", dilation: 1 };

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

/** The input of the lectures: bright at the left and dark at the right; the next channel at the top and bottom. */
function exampleValue({ kind, size }, y, x, channel) {
  if (kind === "max_pool") return (7 * y + 3 * x + x * y + 4 * channel) % 10;
  return [x < size / 2, y < size / 2, x + y < size][channel] ? 10 : 0;
}

/** Return the value of the input at (y, x, channel) as a function, from the square in the middle of an image. */
function imageValues({ shape: [height, width, channels], values }) {
  const side = Math.min(height, width);
  const size = Math.min(side, LARGEST);
  const [top, left] = [Math.floor((height - side) / 2), Math.floor((width - side) / 2)];
  const span = (index) => [Math.floor((index * side) / size), Math.max(Math.floor((index * side) / size) + 1, Math.floor(((index + 1) * side) / size))];
  const small = new Float64Array(size * size * channels);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const [[y0, y1], [x0, x1]] = [span(y), span(x)];
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let row = y0; row < y1; row++) for (let column = x0; column < x1; column++) sum += values[((top + row) * width + left + column) * channels + c];
        small[(y * size + x) * channels + c] = sum / ((y1 - y0) * (x1 - x0));
      }
    }
  }
  return { size, channels, value: (y, x, c) => small[(y * size + x) * channels + c] };
}

/** Return the cells under the kernel of one channel, and their result. */
function compute(chosen, value, row, column, channel) {
  const { kind, size, kernel, stride, dilation } = chosen;
  const [before] = margins(chosen);
  const cells = [];
  for (let i = 0; i < kernel; i++) {
    for (let j = 0; j < kernel; j++) {
      const [y, x] = [row * stride - before + i * dilation, column * stride - before + j * dilation];
      const inside = y >= 0 && x >= 0 && y < size && x < size;
      cells.push({ y, x, inside, value: inside ? value(y, x, channel) : 0, weight: KERNELS[kind](i, j, kernel) });
    }
  }
  const inner = cells.filter((cell) => cell.inside).map((cell) => cell.value);
  const result = kind === "max_pool" ? Math.max(...inner) : cells.reduce((sum, cell) => sum + cell.value * cell.weight, 0);
  return { cells, result };
}

export async function showSliding(state, _, signal) {
  const image = state.image === null ? null : imageValues(array((await get(`images/${state.image}`)).pixels));
  if (!image) settings.source = "numbers";
  let [position, timer, results] = [0, null, null];
  const stage = make("div", { class: "sliding" });
  const formula = make("div", { class: "formula" });
  const card = make("div", {});
  const play = make("button", { type: "button", class: "main", click: () => (timer ? pause() : start()) });
  const step = make("button", { type: "button", click: () => (pause(), advance()) }, text("step"));
  const pooled = () => settings.kind === "max_pool";
  /** What is computed: the settings, with the size and channels of the image if there is one. */
  const chosen = () => (settings.source === "image" ? { ...settings, size: image.size, channels: image.channels } : settings);
  const value = (y, x, channel) => (settings.source === "image" ? image.value(y, x, channel) : exampleValue(settings, y, x, channel));
  const count = () => Math.max(0, outputSize(chosen())) ** 2;
  function start() {
    if (position === count() - 1) position = -1;
    timer = setInterval(() => (signal.aborted ? pause() : advance()), INTERVAL[settings.source]);
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
  /** All numbers of the output: of pooling those of the first channel, else the sums over the channels. */
  function computeAll(size, channels) {
    return Array.from({ length: size * size }, (_unused, index) => {
      const at = (channel) => compute(chosen(), value, Math.floor(index / size), index % size, channel).result;
      return pooled() ? at(0) : Array.from({ length: channels }, (_each, channel) => at(channel)).reduce((sum, part) => sum + part, 0);
    });
  }
  function draw() {
    const now = chosen();
    const { kernel, stride, dilation, channels } = now;
    const size = outputSize(now);
    const [before, after] = margins(now);
    formula.replaceChildren(make("p", { class: "soft" }, text("formula")),
      make("output", {}, `⌊(${now.size} + ${before + after} − ${dilation} × (${kernel} − 1) − 1) / ${stride}⌋ + 1 = ${Math.max(0, size)}`),
      make("p", { class: "soft" }, pooled() ? text("pool_channels") : text("filter_weights", { h: kernel, c: channels, n: kernel * kernel * channels })),
      ...(before !== after ? [make("p", { class: "soft" }, text("odd_padding"))] : []));
    if (size < 1) {
      stage.replaceChildren(make("p", { class: "error" }, text("does_not_fit")));
      return;
    }
    results ??= computeAll(size, channels);
    const [row, column] = [Math.floor(position / size), position % size];
    const parts = Array.from({ length: pooled() ? 1 : channels }, (_unused, channel) => compute(now, value, row, column, channel));
    const sums = parts.map((part, channel) => sumLine(part, parts.length > 1 ? text("channel_n", { n: channel }) : ""));
    if (parts.length > 1) sums.push(make("p", { class: "sum-line" }, `${text("all_channels")}: ${parts.map(({ result }) => signed(result)).join(" + ")} = ${number(results[position])}`));
    const [low, high] = [Math.min(0, ...results), Math.max(...results)];
    stage.replaceChildren(...(settings.source === "image" ? imageParts(now, parts, size, low, high) : numberParts(now, parts, size, low, high)), make("div", { class: "sum-line" }, ...sums));
  }
  function numberParts(now, parts, size, low, high) {
    const [before, after] = margins(now);
    const under = new Set(parts[0].cells.map(({ y, x }) => `${y},${x}`));
    const named = (name, channel) => (parts.length > 1 ? `${name} · ${text("channel_n", { n: channel })}` : name);
    const inputs = parts.map((_part, channel) => table(named(text("input"), channel), now.size + before + after, (i, j) => {
      const [y, x] = [i - before, j - before];
      const inside = y >= 0 && x >= 0 && y < now.size && x < now.size;
      return { value: inside ? value(y, x, channel) : 0, padding: !inside, marked: under.has(`${y},${x}`) };
    }, 0, 10));
    const output = table(text("result"), size, (i, j) => {
      const index = i * size + j;
      return { value: index <= position ? results[index] : null, marked: index === position };
    }, low, high);
    return [make("div", { class: "channels" }, ...inputs), ...(pooled() ? [] : [kernelTable(now)]), output];
  }
  function imageParts(now, parts, size, low, high) {
    const [before, after] = margins(now);
    const all = now.size + before + after;
    const { kernel, stride, dilation } = now;
    const bytes = Uint8Array.from({ length: now.size ** 2 * now.channels }, (_unused, index) => {
      const pixel = Math.floor(index / now.channels);
      return value(Math.floor(pixel / now.size), pixel % now.size, index % now.channels);
    });
    const canvas = imageCanvas({ shape: [now.size, now.size, now.channels], values: bytes });
    const side = (share) => `${100 * share}%`;
    Object.assign(canvas.style, { top: side(before / all), left: side(before / all), width: side(now.size / all), height: side(now.size / all) });
    const [row, column] = [Math.floor(position / size), position % size];
    const reach = dilation * (kernel - 1) + 1;
    const input = overlaid(canvas, all, row * stride, column * stride, reach);
    const map = mapCanvas(size, size, (y, x) => results[y * size + x], low, high);
    map.getContext("2d").clearRect(column + 1, row, size, 1); // what is still to come
    map.getContext("2d").clearRect(0, row + 1, size, size);
    const output = overlaid(map, size, row, column, 1);
    output.classList.add("output");
    output.addEventListener("click", (event) => {
      const [y, x] = place(event, size, size);
      position = y * size + x;
      pause();
      draw();
    });
    const under = parts.map(({ cells }, channel) => table(parts.length > 1 ? `${text("values")} · ${text("channel_n", { n: channel })}` : text("values"), kernel, (i, j) => ({ value: cells[i * kernel + j].value, padding: !cells[i * kernel + j].inside }), 0, 255));
    return [framed(`${text("input")} ${now.size}×${now.size}`, input), make("div", { class: "channels" }, ...under), ...(pooled() ? [] : [kernelTable(now)]), framed(`${text("result")} ${size}×${size}`, output)];
  }
  const kernelTable = ({ kernel, kind }) => table(text("kernel"), kernel, (i, j) => ({ value: KERNELS[kind](i, j, kernel) }), -1, 1);
  function change(name, to) {
    settings[name] = to;
    [position, results] = [0, null];
    draw();
  }
  const slider = (name, low, high) => {
    const shown = make("span", {}, settings[name]);
    const range = make("input", { type: "range", min: low, max: high, value: settings[name], input: () => (shown.textContent = range.value, change(name, Number(range.value))) });
    return make("label", { class: "field" }, make("span", {}, text({ size: "size", kernel: "kernel_size" }[name] ?? name), " ", shown), range);
  };
  const own = [slider("size", 3, 9), slider("channels", 1, 3)]; // of the numbers; an image has its own
  async function choose(source) {
    pause();
    change("source", source);
    for (const field of own) field.hidden = source === "image";
    card.replaceChildren(...(source === "image" ? [await imageCard(state, state.image, [["#/images", "other_image"]])] : []));
  }
  const controls = make("div", { class: "controls" },
    image ? select(text("source"), [["numbers", text("source_numbers")], ["image", text("source_image")]], settings.source, choose) : null,
    select(text("operation"), Object.keys(KERNELS).map((name) => [name, text(name)]), settings.kind, (to) => change("kind", to)),
    select(text("pad"), [["valid", "valid"], ["same", "same"], ...[1, 2, 3].map((n) => [n, text("pad_n", { n })])], settings.padding, (to) => change("padding", to)),
    ...own, slider("kernel", 1, 5), slider("stride", 1, 3), slider("dilation", 1, 3));
  await choose(settings.source);
  return [make("h1", {}, text("filter_title")), make("p", { class: "soft" }, text("filter_help")), controls, card, make("div", { class: "row" }, play, step), formula, stage];
}

const signed = (value) => (value < 0 ? `(${brief(value)})` : brief(value));
const brief = (value) => number(Number(value.toFixed(2)));

/** The arithmetic of one channel at one place. */
function sumLine({ cells, result }, name) {
  const pooled = cells.every(({ weight }) => weight === 1);
  const terms = pooled && cells.length > 1 ? `max(${cells.filter(({ inside }) => inside).map((cell) => brief(cell.value)).join(", ")})`
    : cells.map(({ value, weight }) => `${brief(value)} × ${signed(weight)}`).join(" + ");
  return make("p", { class: "sum-line" }, name ? `${name}: ` : "", `${terms} = ${brief(result)}`);
}

/** A canvas with a frame around the square of `reach` cells at (row, column) of `all`. */
function overlaid(canvas, all, row, column, reach) {
  const marker = make("span", { class: "marker" });
  const side = (share) => `${(100 * share) / all}%`;
  Object.assign(marker.style, { top: side(row), left: side(column), width: side(reach), height: side(reach) });
  return make("div", { class: "slid" }, canvas, marker);
}

const framed = (name, content) => make("figure", {}, make("figcaption", { class: "soft" }, name), content);

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
