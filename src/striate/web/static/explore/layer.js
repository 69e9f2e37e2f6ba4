// One layer: its feature maps for an image, and its filters.

import { array, get } from "./api.js";
import { firstLayer, imageCard } from "./images.js";
import { make, number, select, text, whole } from "./dom.js";
import { mapCanvas, place, scaleBar, sheetCanvas } from "./draw.js";
import { patchSection } from "./patches.js";

const PARTS = 16; // of a filter that are shown
const ROWS = 120; // of a vector, shown at first

export async function showLayer(state, parts, signal) {
  const { nodes } = state.model;
  const names = nodes.map(({ name }) => name);
  const [key, named] = names.includes(parts[0]) ? ["-", parts[0]] : parts; // #/layer/C3 is the layer for the chosen image
  const image = key && key !== "-" ? key : state.image;
  const node = named === undefined ? firstLayer(state.model) : names.includes(named) ? names.lastIndexOf(named) : Number(named);
  if (!nodes[node]) throw new Error(text("no_layer", { name: named, names: names.join(", ") }));
  const layer = nodes[node];
  if (image === null) return [make("h1", {}, layer.name), make("p", {}, text("no_images")), ...(await filterSection(state, node))];
  const go = (target) => `#/layer/${image}/${target}`;
  const header = make("div", { class: "row" },
    node > 0 ? make("a", { class: "button", href: go(node - 1), "aria-label": text("previous") }, "↑") : null,
    node < nodes.length - 1 ? make("a", { class: "button", href: go(node + 1), "aria-label": text("next") }, "↓") : null,
    select(text("layer"), nodes.map(({ name, kind, shape }, index) => [index, `${name} · ${kind} · ${shape.join("×")}`]), node, (value) => (location.hash = go(value))));
  const [card, answer, filters] = await Promise.all([
    imageCard(state, image, [[`#/why/${image}`, "why_link"]]), get(`images/${image}/maps/${node}`), filterSection(state, node),
  ]);
  const dead = make("p", { class: "soft", id: "dead" });
  const patches = patchSection(state, node, answer.order, signal, (found) => {
    dead.textContent = text(found.dead.length ? "dead_units" : "no_dead_units", { n: found.dead.length, all: answer.channels, images: whole(found.images) });
  });
  return [make("h1", {}, layer.name), card, header, ...(layer.shape.length === 3 ? mapSection(state, image, node, answer) : vectorSection(state, image, node, answer)), dead, ...filters, ...patches];
}

/** The maps of an answer as buttons that lead to their units. */
export function mapButtons(image, node, answer) {
  const { shape: [height, width, count], values } = array(answer.maps);
  return answer.order.map((channel, index) => {
    const value = (y, x) => values[(y * width + x) * count + index];
    let [low, high, strongest] = [Infinity, -Infinity, [0, 0]];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if (Math.abs(value(y, x)) > Math.max(Math.abs(low), Math.abs(high)) || high === -Infinity) strongest = [y, x];
        [low, high] = [Math.min(low, value(y, x)), Math.max(high, value(y, x))];
      }
    }
    const open = (cell) => {
      const [y, x] = cell.map((index) => index * (answer.stride ?? 1));
      location.hash = `#/unit/${image}/${node}:${y},${x},${channel}`;
    };
    const canvas = mapCanvas(height, width, value, answer.lowest, answer.highest);
    const label = text("map_label", { channel, low: number(low), high: number(high) });
    return make("button", {
      type: "button", class: "map", "aria-label": label, title: label,
      click: (event) => open(event.detail ? place({ currentTarget: canvas, clientX: event.clientX, clientY: event.clientY }, height, width) : strongest),
    }, canvas, make("span", {}, channel));
  });
}

/** The maps, with a switch between two orders. */
function mapSection(state, image, node, strongest) {
  const [h, w] = state.model.nodes[node].shape;
  const box = make("div", { class: "maps" });
  let [shown, next] = ["strength", 0];
  function add(answer) {
    box.append(...mapButtons(image, node, answer));
    next += answer.order.length;
    more.hidden = next >= answer.channels;
  }
  const more = make("button", { type: "button", click: async () => add(await get(`images/${image}/maps/${node}?order=${shown}&first=${next}`)) }, text("more"));
  async function use(order) {
    const answer = await get(`images/${image}/maps/${node}?order=${order}`);
    [shown, next] = [order, 0];
    box.replaceChildren();
    add(answer);
  }
  add(strongest);
  const orders = ["strength", "number"].map((order) => [order, text(`order_${order}`)]);
  const choice = state.model.views && strongest.channels > strongest.order.length ? [] : [make("div", { class: "row" }, select(text("order"), orders, shown, use))];
  const silent = strongest.silent ? ` ${text("silent", { n: strongest.silent, all: strongest.channels })}` : "";
  return [make("h2", {}, text("maps_title")), make("p", { class: "soft" }, text("maps_help", { n: strongest.channels, h, w }) + silent),
    ...choice, scaleBar(strongest.lowest, strongest.highest), box, more];
}

function vectorSection(state, image, node, answer) {
  const { values } = array(answer.maps);
  const classes = node === state.model.output ? state.model.classes : null;
  const order = [...answer.order.keys()].sort((a, b) => values[b] - values[a]);
  const largest = Math.max(Math.abs(answer.lowest), Math.abs(answer.highest)) || 1;
  const rows = order.map((index, rank) => {
    const channel = answer.order[index];
    const bar = make("span", { class: values[index] < 0 ? "bar negative" : "bar" });
    bar.style.width = `${(100 * Math.abs(values[index])) / largest}%`;
    return make("li", { hidden: rank >= ROWS }, make("a", { href: `#/unit/${image}/${node}:0,0,${channel}` },
      make("span", {}, classes ? classes[channel] : channel), make("span", { class: "track" }, bar), make("span", {}, number(values[index]))));
  });
  const silent = answer.silent ? ` ${text("silent", { n: answer.silent, all: answer.channels })}` : "";
  return [make("p", { class: "soft" }, text("vector_help", { n: answer.channels }) + silent), make("ul", { class: "vector" }, ...rows),
    make("button", { type: "button", hidden: rows.length <= ROWS, click: (event) => {
      for (const row of rows) row.hidden = false;
      event.currentTarget.hidden = true;
    } }, text("more"))];
}

async function filterSection(state, node) {
  if (!/Conv/.test(state.model.nodes[node].kind)) return [];
  const answer = await get(`filters/${node}`).catch(() => null);
  if (!answer) return [];
  const box = make("div", { class: answer.shape[2] > 1 ? "filters deep" : "filters" });
  const stages = answer.stages.map(({ step }, index) => [index, stageName(step)]);
  const show = (index) => box.replaceChildren(...filterFigures(array(answer.stages[index].kernel), answer.largest));
  show(stages.length - 1);
  const [h, w, n] = answer.shape;
  const channels = n > 1 ? text("filters_channels", { n }) : "";
  return [make("h2", {}, text("filters_title")), make("p", { class: "soft" }, text("filters_help", { h, w, channels })),
    stages.length > 1 ? make("div", { class: "row" }, select(text("stage"), stages, stages.length - 1, show)) : null,
    scaleBar(-answer.largest, answer.largest), box].filter(Boolean);
}

const stageName = (step) => (step === null ? text("stage_trained") : step === 0 ? text("stage_initial") : text("stage_step", { step }));

function filterFigures({ shape: [height, width, inputs, outputs], values }, largest) {
  const shown = Math.min(inputs, PARTS);
  return Array.from({ length: outputs }, (_, output) => {
    const value = (input, y, x) => values[((y * width + x) * inputs + input) * outputs + output];
    const parts = sheetCanvas(shown, height, width, value, -largest, largest);
    return make("figure", { "aria-label": text("filter_label", { channel: output }) }, parts, make("figcaption", {}, output));
  });
}
