// The answers of a lesson, which the page contains, in place of those of a server.

import { text } from "./dom.js";

const TYPES = { float64: Float64Array, float32: Float32Array, uint8: Uint8Array, int32: Int32Array };

export async function texts() {
  return JSON.parse(document.getElementById("texts").textContent);
}

const [header, numbers] = await unpack(document.getElementById("data").textContent);
const pools = Object.fromEntries(["integers", "weights", "exact_weights"].map((name) => {
  const { values, starts } = header[name];
  return [name, { values: read(values).data, starts: read(starts).data }];
}));
const tables = new Map(); // of the units of a layer, by image and node

/** Return the header, and the bytes of all arrays. */
async function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const content = await new Response(stream).arrayBuffer();
  const length = new DataView(content).getUint32(0, true);
  return [JSON.parse(new TextDecoder().decode(new Uint8Array(content, 4, length))), content.slice(4 + length)];
}

/** Return an array that the header names, with its numbers; those in 256 levels become numbers again. */
function read({ shape, dtype, at, low, step }) {
  const data = new TYPES[dtype](numbers, at, shape.reduce((size, side) => size * side, 1));
  return step === undefined ? { shape, dtype, data } : { shape, dtype: "float32", data: Float32Array.from(data, (level) => low + step * level) };
}

/** Return an answer with the numbers of its arrays. */
function filled(value) {
  if (Array.isArray(value)) return value.map(filled);
  if (value === null || typeof value !== "object") return value;
  if ("at" in value) return read(value);
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, filled(part)]));
}

/** Return an answer; throw an Error with a message for people if the lesson does not contain it. */
export async function ask(path) {
  const [name, ...rest] = path.split("?")[0].split("/");
  if (name === "thumbnails") return header.thumbnails;
  const [image, kind, node, ...position] = rest;
  if (kind === "maps" && `${image}/${node}` in header.units) {
    const query = new URLSearchParams(path.split("?")[1]);
    return maps(table(image, node), Number(query.get("first") ?? 0), query.get("order") === "number");
  }
  if (kind === "units" && `${image}/${node}` in header.units) return unit(image, Number(node), position.map(Number));
  if (kind === "units") throw new Error(text("lesson_units", { n: header.count, limit: header.limit }));
  const answer = header.answers[kind === "maps" ? path.split("?")[0] : path]; // without units, the maps are those of one order
  if (answer === undefined) throw new Error(text("lesson_missing"));
    return filled(answer);
}

/** Yield the parts of an answer that a server would send one after the other, here only the last of each. */
export async function* follow(path) {
  const [start, classes] = path.split("?class=");
  for (const index of classes.split(",")) yield* await ask(`${start}?class=${index}`);
}

function table(image, node) {
  const key = `${image}/${node}`;
  if (!tables.has(key)) tables.set(key, filled(header.units[key]));
  return tables.get(key);
}

const CHANNELS = 64; // most feature maps in one answer

/** Return the feature maps of a layer, those with the strongest response first, or in the order of the channels. */
function maps({ values: { shape, data } }, first, byNumber) {
  const channels = shape.at(-1);
  const strength = new Float32Array(channels);
  let [lowest, highest] = [Infinity, -Infinity];
  data.forEach((value, index) => {
    strength[index % channels] = Math.max(strength[index % channels], Math.abs(value));
    [lowest, highest] = [Math.min(lowest, value), Math.max(highest, value)];
  });
  const all = [...strength.keys()];
  if (!byNumber) all.sort((a, b) => strength[b] - strength[a]);
  const order = shape.length === 3 ? all.slice(first, first + CHANNELS) : all;
  const shown = Float32Array.from({ length: (data.length / channels) * order.length }, (_, index) =>
    data[Math.floor(index / order.length) * channels + order[index % order.length]]);
  return {
    order, maps: { shape: [...shape.slice(0, -1), order.length], dtype: "float32", data: shown }, lowest, highest,
    silent: strength.filter((value) => value === 0).length, channels,
  };
}

const pooled = ({ values, starts }, index) => values.subarray(starts[index], starts[index + 1]);
const weights = (index) => (index < 0 ? null : pooled(index % 2 ? pools.exact_weights : pools.weights, index >> 1));
const sides = (shape) => (shape.length === 3 ? shape : [1, 1, ...shape]);

/** Return the arithmetic of a unit: its results as they were computed, and the cells that it reads. */
function unit(image, node, position) {
  const described = header.answers.model.nodes[node];
  const found = table(image, node);
  const [height, width, channels] = sides(described.shape);
  const [y, x, channel] = position;
  if (!(y < height && x < width && channel < channels)) throw new Error(text("lesson_missing"));
  const index = (y * width + x) * channels + channel;
  const plane = Float32Array.from({ length: height * width }, (_, place) => found.values.data[place * channels + channel]);
  const names = weights(found.numbers.data[index]) ?? [];
  return {
    layer: described.name, kind: described.kind, node, position, operation: found.operation, activation: found.activation,
    bias: found.bias && found.bias.data[index], total: found.total.data[index], output: found.output.data[index],
    engine_output: found.values.data[index], winner: found.winner && [...found.winner.data.subarray(4 * index, 4 * index + 4)],
    numbers: Object.fromEntries(found.names.map((name, place) => [name, names[place]])),
    channel_totals: found.totals && [...found.totals.data.subarray((y * width + x) * channels, (y * width + x + 1) * channels)],
    inputs: found.parts.filter((part) => part.node.data[index] >= 0).map((part) => cells(image, part, index)),
    map: described.shape.length === 3 ? { shape: [height, width], dtype: "float32", data: plane } : null,
    region: region(image, node, position),
  };
}

/** Return the cells that a unit reads from one input. */
function cells(image, part, index) {
  const source = part.node.data[index];
  const described = header.answers.model.nodes[source];
  const [height, width, all] = sides(described.shape);
  const [rows, columns, channels] = ["rows", "columns", "channels"].map((axis) => [...pooled(pools.integers, part[axis].data[index])]);
  const shape = [rows.length, columns.length, channels.length];
  const inside = Uint8Array.from({ length: rows.length * columns.length }, (_, place) => {
    const [row, column] = [rows[Math.floor(place / columns.length)], columns[place % columns.length]];
    return row >= 0 && column >= 0 && row < height && column < width;
  });
  const { data } = table(image, source).values;
  const size = inside.length * channels.length;
  const values = Float64Array.from({ length: size }, (_, cell) => {
    const place = Math.floor(cell / channels.length);
    const [row, column] = [rows[Math.floor(place / columns.length)], columns[place % columns.length]];
    return inside[place] ? data[(row * width + column) * all + channels[cell % channels.length]] : 0;
  });
  const factors = weights(part.weights.data[index]);
  const term = [null, (value, k) => value * factors[k], (value) => value ** 2, (value, k) => (value - factors[k]) ** 2][part.terms.data[index]];
  return {
    layer: described.name, node: source, shape: described.shape, rows, columns, channels,
    values: { shape, dtype: "float64", data: values }, inside: { shape: shape.slice(0, 2), dtype: "uint8", data: inside },
    weights: factors && { shape, dtype: "float64", data: factors },
    terms: term && { shape, dtype: "float64", data: values.map(term) },
  };
}

/** Return what a unit sees of the image; one that reads a single cell sees what this cell sees. */
function region(image, node, [y, x, channel]) {
  const found = header.regions[node];
  if (found === null) {
    const described = header.answers.model.nodes[node];
    const [, width, channels] = sides(described.shape);
    const part = table(image, node).parts[0];
    const index = (y * width + x) * channels + channel;
    const [row, column, source] = ["rows", "columns", "channels"].map((axis) => pooled(pools.integers, part[axis].data[index])[0]);
    const [height, across] = sides(header.answers.model.nodes[part.node.data[index]].shape);
    return row >= 0 && column >= 0 && row < height && column < across ? region(image, part.node.data[index], [row, column, source]) : null;
  }
  if (found.input) {
    const [rows, columns] = [[y, y + 1], [x, x + 1]];
    return { rows, columns, unclipped_rows: rows, unclipped_columns: columns };
  }
  const { rows, columns, each } = found.tables[found.groups[channel]];
  if (each) return each[y * sides(header.answers.model.nodes[node].shape)[1] + x];
  return rows[y] && columns[x] && {
    rows: rows[y].rows, unclipped_rows: rows[y].unclipped_rows, columns: columns[x].columns, unclipped_columns: columns[x].unclipped_columns,
  };
}
