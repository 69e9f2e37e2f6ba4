// The strongest patches of a unit: the parts of the images to which its channel responds most, searched for in the background.

import { array, get } from "./api.js";
import { make, number, select, text, whole } from "./dom.js";
import { imageCanvas } from "./draw.js";
import { imageName } from "./images.js";
import { searchBox } from "./search.js";

const ROWS = 8; // channels shown at first
const choice = { part: null };

/** A section with the strongest patches of channels. `ready` is called with what is known after the search. */
export function patchSection(state, node, channels, signal, ready = () => {}) {
  const { model } = state;
  const parts = [["shown", model.count], ["training", model.training]].filter(([, count]) => count);
  if (model.views || !parts.length || /Input/.test(model.nodes[node].kind)) return [];
  const names = parts.map(([name]) => name);
  if (!names.includes(choice.part)) choice.part = names.includes("training") ? "training" : names[0];
  const options = parts.map(([name, count]) => [name, text(`part_${name}`, { n: whole(count) })]);
  const { box, search } = searchBox({
    model, signal, images: Math.max(...parts.map(([, count]) => count)), path: () => `patches/${node}?part=${choice.part}`,
    show: async (result) => {
      ready(result);
      const searched = result.images < result.available ? text("searched_part", { n: whole(result.images), all: whole(result.available) }) : text("searched", { n: whole(result.images) });
      return [make("p", { class: "soft" }, searched), ...(await rows(model, node, choice.part, channels, result))];
    },
  });
  return [make("section", { class: "excites" }, make("h2", {}, text(channels.length > 1 ? "excites_maps" : "excites_unit")),
    make("p", { class: "soft" }, text(channels.length > 1 ? "excites_help" : "excites_unit_help")),
    parts.length > 1 ? make("div", { class: "row" }, select(text("among"), options, choice.part, (value) => ((choice.part = value), search()))) : null, box)];
}

async function rows(model, node, part, channels, { dead }) {
  const box = make("div", { class: "excited" });
  let next = 0;
  const more = make("button", { type: "button", click: () => add() }, text("more"));
  async function add() {
    const chosen = channels.slice(next, next + ROWS);
    next += chosen.length;
    const found = await get(`patches/${node}/${chosen.join(",")}?part=${part}`);
    box.append(...found.map((patches, index) => row(model, node, chosen[index], patches, dead.includes(chosen[index]), channels.length > 1)));
    more.hidden = next >= channels.length;
  }
  await add();
  return [box, more];
}

function row(model, node, channel, patches, dead, named) {
  const shown = dead ? [make("span", { class: "soft" }, text("never_responds"))] : patches.map((patch) => patchLink(model, node, patch));
  return make("div", { class: "nine", "data-channel": channel }, named ? make("span", { class: "soft" }, text("map_n", { n: channel })) : null, ...shown);
}

/** A patch as what the unit sees, on the place where it sees it: what lies outside the image is empty. */
function patchLink(model, node, { image, position, value, rows, columns, pixels, unclipped_rows: [top, bottom], unclipped_columns: [left, right] }) {
  const canvas = imageCanvas(array(pixels));
  const place = (start, stop, low, high) => [`${(100 * (start - low)) / (high - low)}%`, `${(100 * (stop - start)) / (high - low)}%`];
  const [y, height] = place(...rows, top, bottom);
  const [x, width] = place(...columns, left, right);
  Object.assign(canvas.style, { top: y, height, left: x, width });
  const frame = make("span", { class: "patch" }, canvas);
  frame.style.aspectRatio = `${right - left} / ${bottom - top}`;
  const label = text("patch_label", { image: imageName(model, image), value: number(value) });
  return make("a", { href: `#/unit/${image}/${node}:${position.join(",")}`, "aria-label": label, title: label }, frame, make("span", { class: "soft" }, number(value)));
}
