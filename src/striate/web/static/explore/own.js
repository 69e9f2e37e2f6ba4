// An image of one's own: drawn, chosen, dropped or pasted; prediction and feature maps follow.

import { array, ask, get } from "./api.js";
import { firstLayer } from "./images.js";
import { mapButtons } from "./layer.js";
import { bars, make, text } from "./dom.js";
import { imageCanvas } from "./draw.js";

const SIDE = 280; // of the drawing area
const LINE = 22;
const MAPS = 12; // shown while drawing

export async function showOwn(state, [key], signal) {
  const { model } = state;
  const result = make("div", { class: "answer", "aria-live": "polite" });
  const problem = make("p", { class: "error" });
  let asked = 0;
  async function show(answer, request = asked) {
    if (signal.aborted || request !== asked) return; // an earlier image than the one that was given last
    state.image = answer.id;
    const node = firstLayer(model);
    const maps = model.nodes[node].shape.length === 3 ? await get(`images/${answer.id}/maps/${node}`) : null;
    if (request !== asked) return;
    const links = [[`#/layer/${answer.id}`, "maps_link"], [`#/why/${answer.id}`, "why_link"]];
    result.replaceChildren(
      make("div", { class: "seen-as" },
        make("figure", {}, imageCanvas(array(answer.pixels)), make("figcaption", { class: "soft" }, text("network_sees"))),
        make("div", {}, make("h2", {}, text("answer")), bars(model.classes, answer.probabilities),
          make("div", { class: "links" }, ...links.map(([href, name]) => make("a", { class: "button", href }, text(name)))))),
      ...(maps ? [make("h2", {}, text("live_maps", { layer: model.nodes[node].name })), make("div", { class: "maps small" }, ...mapButtons(answer.id, node, maps).slice(0, MAPS))] : []));
  }
  async function use(body) {
    const request = ++asked;
    try {
      problem.textContent = "";
      await show(await ask("images", { method: "POST", body }), request);
    } catch (error) {
      problem.textContent = error.message;
    }
  }
  const input = make("input", { type: "file", accept: "image/*", hidden: true, change: () => input.files[0] && use(input.files[0]) });
  const choose = make("button", { type: "button", class: "main", click: () => input.click() }, text("upload"));
  const left = make("div", {}, ...(model.draw ? drawing(use) : []), make("div", { class: "row" }, choose, make("span", { class: "soft" }, text("drop"))), input, problem);
  if (key) await show(await get(`images/${key}`));
  return [make("h1", {}, text("own_title")), make("div", { class: "own" }, left, result)];
}

/** A drawing area; `use` receives what was drawn, one image after the other. */
function drawing(use) {
  const canvas = make("canvas", { width: SIDE, height: SIDE, class: "paper", role: "img", "aria-label": text("draw_label"), id: "paper" });
  const context = canvas.getContext("2d");
  let last = null;
  let busy = false;
  let changed = false;
  function clear() {
    context.fillStyle = "#fff";
    context.fillRect(0, 0, SIDE, SIDE);
  }
  async function send() {
    changed = true;
    if (busy) return;
    busy = true;
    while (changed) {
      changed = false;
      await use(await new Promise((resolve) => canvas.toBlob(resolve, "image/png")));
    }
    busy = false;
  }
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  };
  function line(from, to) {
    Object.assign(context, { lineWidth: LINE, lineCap: "round", lineJoin: "round", strokeStyle: "#000" });
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(...to);
    context.stroke();
    send();
  }
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = at(event);
    line(last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    const next = at(event);
    line(last, next);
    last = next;
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => (last = null));
  clear();
  const button = make("button", { type: "button", click: () => (clear(), send()) }, text("clear"));
  return [make("p", { class: "soft" }, text("draw")), canvas, make("div", { class: "row" }, button)];
}
