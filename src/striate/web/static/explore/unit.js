// One unit: the region that it sees, and every number of its arithmetic, down to the pixels.

import { array, get } from "./api.js";
import { imageCard } from "./images.js";
import { hasText, make, number, svg, text } from "./dom.js";
import { color, css, imageCanvas, ink, mapCanvas, place } from "./draw.js";
import { patchSection } from "./patches.js";

const TERMS = 24; // shown in a list of many

/** An address names the units from the first to the one that is shown, such as 5:3,4,0/4:6,8,2. */
const parse = (part) => {
  const numbers = /^(\d+):(\d+),(\d+),(\d+)$/.exec(part)?.slice(1).map(Number);
  if (!numbers) return null;
  const [node, y, x, channel] = numbers;
  return { node, y, x, channel };
};
const write = ({ node, y, x, channel }) => `${node}:${y},${x},${channel}`;
const address = (image, path) => `#/unit/${image}/${path.map(write).join("/")}`;

export async function showUnit(state, [image, ...parts], signal) {
  const path = parts.map(parse);
  if (!path.length || path.includes(null)) throw new Error(text("no_unit"));
  const { node, y, x, channel } = path.at(-1);
  const links = [[`#/layer/${image}/${node}`, "maps_link"], [`#/why/${image}`, "why_link"]];
  const [unit, info, card] = await Promise.all([get(`images/${image}/units/${node}/${y}/${x}/${channel}`), get(`images/${image}`), imageCard(state, image, links)]);
  const down = (cells, i, j, k) => address(image, [...path, { node: cells.node, y: cells.rows[i], x: cells.columns[j], channel: cells.channels[k] }]);
  const seen = [seenRegion(array(info.pixels), unit.region)];
  if (unit.map) seen.push(ownMap(unit, (point) => (location.hash = address(image, [...path.slice(0, -1), { node, channel, ...point }]))));
  const reads = unit.inputs.map((cells) => readsSection(unit, cells, unit.inputs.indexOf(cells), down));
  const hint = make("p", { class: "soft" }, text(unit.inputs.length ? "go_down" : "bottom"));
  return [make("h1", {}, title(state, unit)), card, breadcrumbs(state, image, path),
    make("div", { class: "unit" }, make("div", { class: "seen" }, ...seen), make("div", {}, arithmetic(unit), hint, ...reads)), ...patchSection(state, node, [channel], signal)];
}

/** What a unit computes: the name of its layer if that is a kind of normalization, else of its operation. */
const operationName = ({ kind, operation }) => text(hasText(`op_${kind}`) ? `op_${kind}` : `op_${operation}`);

function title({ model }, { layer, node, position: [y, x, channel] }) {
  if (model.nodes[node].shape.length === 3) return text("unit_title", { layer, y, x, channel });
  return node === model.output ? text("unit_class", { layer, channel, label: model.classes[channel] }) : text("unit_vector", { layer, channel });
}

function breadcrumbs({ model }, image, path) {
  const items = path.map((unit, index) => {
    const { name, shape } = model.nodes[unit.node];
    const label = shape.length === 3 ? `${name} (${unit.y}, ${unit.x}, ${unit.channel})` : `${name} ${unit.channel}`;
    const here = index === path.length - 1;
    return make("li", {}, make("a", { href: address(image, path.slice(0, index + 1)), "aria-current": here ? "page" : null }, label));
  });
  return make("nav", { "aria-label": text("path") }, make("ol", { class: "crumbs" }, ...items));
}

function seenRegion(pixels, region) {
  const [height, width] = pixels.shape;
  const image = imageCanvas(pixels).toDataURL();
  const { unclipped_rows: [top, bottom], unclipped_columns: [left, right] } = region ?? { unclipped_rows: [0, 0], unclipped_columns: [0, 0] };
  const [x0, y0, x1, y1] = [Math.min(0, left), Math.min(0, top), Math.max(width, right), Math.max(height, bottom)];
  const hatch = svg("pattern", { id: "hatch", width: 2, height: 2, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    svg("rect", { width: 1, height: 2, class: "hatch" }));
  const drawing = svg("svg", { viewBox: `${x0} ${y0} ${x1 - x0} ${y1 - y0}`, class: "region", role: "img" }, svg("defs", {}, hatch),
    svg("rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0, fill: "url(#hatch)" }),
    svg("image", { href: image, width, height, class: "pixels", preserveAspectRatio: "none" }));
  if (region) drawing.append(svg("rect", { x: left, y: top, width: right - left, height: bottom - top, class: "outline" }));
  const caption = [text("sees_nothing")];
  if (region) {
    const { rows, columns } = region;
    caption[0] = text("sees", { y0: rows[0], y1: rows[1] - 1, x0: columns[0], x1: columns[1] - 1 });
    if (rows.join() !== region.unclipped_rows.join() || columns.join() !== region.unclipped_columns.join()) caption.push(text("sees_padding"));
  }
  drawing.setAttribute("aria-label", caption.join(" "));
  return make("figure", {}, drawing, make("figcaption", { class: "soft", id: "sees" }, caption.join(" ")));
}

/** The map of the unit, on which clicks and arrow keys choose another point. */
function ownMap({ map, position: [y, x] }, choose) {
  const { shape: [height, width], values } = array(map);
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  const canvas = mapCanvas(height, width, (row, column) => values[row * width + column], low, high);
  const marker = make("span", { class: "marker" });
  Object.assign(marker.style, { left: `${(100 * x) / width}%`, top: `${(100 * y) / height}%`, width: `${100 / width}%`, height: `${100 / height}%` });
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const button = make("button", {
    type: "button", class: "map own", "aria-label": text("in_map"),
    click: (event) => {
      if (!event.detail) return;
      const [row, column] = place({ currentTarget: canvas, clientX: event.clientX, clientY: event.clientY }, height, width);
      choose({ y: row, x: column });
    },
    keydown: (event) => {
      const move = moves[event.key];
      if (!move) return;
      event.preventDefault();
      const clip = (value, size) => Math.max(0, Math.min(size - 1, value));
      choose({ y: clip(y + move[0], height), x: clip(x + move[1], width) });
    },
  }, canvas, marker);
  return make("figure", {}, button, make("figcaption", { class: "soft" }, text("in_map")));
}

function arithmetic(unit) {
  const rows = [];
  const add = (name, value, id) => rows.push(make("tr", {}, make("th", { scope: "row" }, name), make("td", { id }, number(value))));
  if (unit.operation !== "input" && unit.operation !== "unknown") {
    for (const [name, value] of Object.entries(unit.numbers)) add(hasText(`number_${name}`) ? text(`number_${name}`) : name.replaceAll("_", " "), value);
    const operation = operationName(unit);
    if (unit.bias !== null) {
      add(operation, unit.total - unit.bias, "products");
      add(`+ ${text("bias")}`, unit.bias, "bias");
      add(`= ${text("total")}`, unit.total, "total");
    } else {
      add(operation, unit.total, "total");
    }
    if (unit.activation !== "linear") add(unit.activation, unit.output, "output");
  } else {
    add(operationName(unit), unit.engine_output, "output");
  }
  return make("section", {}, make("h2", {}, text("arithmetic")), make("table", { class: "sum" }, make("tbody", {}, ...rows)),
    unit.channel_totals && unit.activation === "softmax" ? make("p", { class: "soft" }, softmaxLine(unit)) : null,
    unit.inputs.length ? make("p", { class: "soft" }, text("engine", { value: number(unit.engine_output) })) : null);
}

function softmaxLine({ channel_totals: totals, total }) {
  const largest = Math.max(...totals); // for which e^total would overflow if it were not subtracted
  const sum = totals.reduce((all, each) => all + Math.exp(each - largest), 0);
  return text("softmax", { total: number(total), sum: `${number(sum)} · e^${number(largest)}`, n: totals.length });
}

function readsSection(unit, cells, source, down) {
  const values = array(cells.values);
  const [rows, columns, channels] = values.shape;
  const weights = cells.weights && array(cells.weights).values;
  const terms = cells.terms && array(cells.terms).values;
  const shown = { cells, rows, columns, channels, values: values.values, weights, terms, inside: array(cells.inside).values, unit, source, down };
  const section = make("section", { class: "reads" }, make("h2", {}, text("reads", { layer: cells.layer })));
  if (rows * columns === 1) section.append(list(shown));
  else section.append(...grids(shown));
  return section;
}

/** The cells of a vector, or of one place, as a table: those that contribute most first. */
function list({ cells, channels, values, weights, terms, unit, source, down }) {
  const size = (k) => Math.abs((terms ?? values)[k]);
  const order = Array.from({ length: channels }, (_, k) => k).sort((a, b) => size(b) - size(a));
  const shown = order.slice(0, TERMS);
  const head = [text("cell"), text("value"), weights && text(unit.operation === "squared_distance" ? "prototype" : "weight"), terms && text("term")];
  const vector = cells.shape.length === 1;
  const rows = shown.map((k) => make("tr", { class: isWinner(unit, source, 0, 0, k) ? "winner" : null },
    make("td", {}, make("a", { href: down(cells, 0, 0, k) }, vector ? `${cells.layer} ${cells.channels[k]}` : `${cells.layer} (${cells.rows[0]}, ${cells.columns[0]}, ${cells.channels[k]})`)),
    make("td", {}, number(values[k])), weights ? make("td", {}, number(weights[k])) : null, terms ? make("td", {}, number(terms[k])) : null));
  const table = make("table", { class: "terms" }, make("thead", {}, make("tr", {}, ...head.filter(Boolean).map((name) => make("th", { scope: "col" }, name)))), make("tbody", {}, ...rows));
  return make("div", {}, shown.length < channels ? make("p", { class: "soft" }, text("strongest_terms", { shown: shown.length, n: channels })) : null, table);
}

const isWinner = ({ winner }, source, i, j, k) => winner !== null && winner.join() === [source, i, j, k].join();

/** The patch, the kernel and the products of one channel, with a choice of channels. */
function grids(shown) {
  const { cells, rows, columns, channels, values, weights, terms, unit } = shown;
  const parts = make("div", { class: "grids" });
  const sum = (k) => {
    let total = 0;
    for (let place = 0; place < rows * columns; place++) total += (terms ?? values)[place * channels + k];
    return total;
  };
  const sums = Array.from({ length: channels }, (_, k) => sum(k));
  const first = unit.winner ? unit.winner[3] : sums.reduce((best, value, k) => (Math.abs(value) > Math.abs(sums[best]) ? k : best), 0);
  const choices = sums.map((value, k) => make("button", { type: "button", click: () => choose(k) },
    make("span", {}, text("map_n", { n: cells.channels[k] })), make("strong", {}, number(value))));
  function choose(k) {
    choices.forEach((button, index) => button.setAttribute("aria-pressed", index === k));
    parts.replaceChildren(grid(text("values"), shown, values, k, true));
    if (weights) parts.append(make("span", { class: "sign" }, unit.operation === "squared_distance" ? "−" : "×"), grid(text(unit.operation === "squared_distance" ? "prototype" : "weights"), shown, weights, k, false));
    if (!terms) return;
    const products = grid(text("terms"), shown, terms, k, false);
    products.append(make("p", { class: "sum-of" }, text("grid_sum", { value: number(sums[k]) })));
    parts.append(make("span", { class: "sign" }, "="), products);
  }
  choose(first);
  if (channels === 1) return [parts];
  return [make("p", { class: "soft" }, text("channel_contributions", { n: channels })), make("div", { class: "choices" }, ...choices), parts];
}

/** Numbers of one channel as a table. */
function grid(name, { cells, rows, columns, channels, inside, unit, source, down }, numbers, k, links) {
  const own = Array.from({ length: rows * columns }, (_, place) => numbers[place * channels + k]);
  const [lowest, largest] = [Math.min, Math.max].map((furthest) => own.reduce((all, value) => furthest(all, value), 0));
  const decimals = decimalsOf(own);
  const box = make("div", { class: "grid" });
  box.style.gridTemplateColumns = `repeat(${columns}, minmax(2.6rem, 1fr))`;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const value = own[i * columns + j];
      const padded = links && !inside[i * columns + j];
      const label = padded ? text("padding") : text("cell_label", { y: cells.rows[i], x: cells.columns[j], value: number(value) });
      const kind = ["cell", padded ? "padding" : "", isWinner(unit, source, i, j, k) ? "winner" : ""].join(" ").trim();
      const cell = links && !padded ? make("a", { class: kind, href: down(cells, i, j, k), "aria-label": label, title: label }) : make("span", { class: kind, title: links ? label : null });
      cell.textContent = brief(value, decimals);
      if (!padded) {
        const shade = color(value, lowest, largest);
        Object.assign(cell.style, { background: css(shade), color: ink(shade) });
      }
      box.append(cell);
    }
  }
  return make("figure", {}, make("figcaption", { class: "soft" }, name), box);
}

/** Return how many decimals the numbers of a table get: the same for all, and as many as fit into a cell. */
function decimalsOf(numbers) {
  const sizes = numbers.filter(Number.isFinite).map(Math.abs);
  if (sizes.every(Number.isInteger)) return 0;
  const largest = sizes.reduce((most, size) => Math.max(most, size), 0);
  if (largest >= 10) return largest >= 100 ? 0 : 1;
  return sizes.some((size) => size && size < 0.005) ? 3 : 2;
}

/** Return a number in at most six letters, for a cell. Only 0 itself is shown as 0. */
function brief(value, decimals) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  const fixed = [decimals, 1, 2, 3, 4].find((places) => places >= decimals && size >= 0.5 * 10 ** -places);
  const shown = fixed === undefined ? value.toExponential(0) : value.toFixed(fixed);
  return shown.replace("-", "−").replace("e-", "e−");
}
