// An image from the user: drawn, filmed, chosen, dropped or pasted; prediction and feature maps follow.

import { array, ask, get } from "./api.js";
import { firstLayer } from "./images.js";
import { mapButtons } from "./layer.js";
import { bars, make, text } from "./dom.js";
import { imageCanvas } from "./draw.js";

const SIDE = 140; // pixels of the drawing area
const LINE = 11;
const MAPS = 12; // shown of an image that was chosen
const FILMED = 224; // most rows and columns of a frame of the camera

export async function showOwn(state, [key], signal) {
  const { model } = state;
  const node = firstLayer(model);
  const result = make("div", { class: "answer", "aria-live": "polite" });
  const problem = make("p", { class: "error", role: "alert" });
  let asked = 0;
  let frame = ""; // the key of the last frame
  function show(answer, maps) {
    state.image = answer.id;
    const links = [[`#/layer/${answer.id}`, "maps_link"], [`#/why/${answer.id}`, "why_link"]];
    result.replaceChildren(
      make("div", { class: "seen-as" },
        make("figure", {}, imageCanvas(array(answer.pixels)), make("figcaption", { class: "soft" }, text("network_sees"))),
        make("div", {}, ...(model.classes.length ? [make("h2", {}, text("answer")), bars(model.classes, answer.probabilities)] : []),
          make("div", { class: "links" }, ...links.map(([href, name]) => make("a", { class: "button", href }, text(name)))))),
      ...(maps ? [make("h2", {}, text("live_maps", { layer: model.nodes[node].name })), make("div", { class: "maps small" }, ...mapButtons(answer.id, node, maps).slice(0, MAPS))] : []));
  }
  /** Show what `request` returns, unless it was overtaken by a later one. */
  async function follow(request) {
    const number = ++asked;
    try {
      const [answer, maps] = await request();
      if (signal.aborted || number !== asked) return;
      problem.textContent = "";
      show(answer, maps);
    } catch (error) {
      if (!signal.aborted) problem.textContent = error.message;
    }
  }
  const mapsOf = (id) => (model.nodes[node].shape.length === 3 ? get(`images/${id}/maps/${node}`) : null);
  const useFile = (body) => follow(async () => {
    const answer = await ask("images", { method: "POST", body });
    return [answer, await mapsOf(answer.id)];
  });
  const useFrame = ({ height, width, channels, body }) => follow(async () => {
    const answer = await ask(`live?${new URLSearchParams({ height, width, channels, node, previous: frame })}`, { method: "POST", body });
    frame = answer.id;
    return [answer, answer.maps];
  });
  const input = make("input", { type: "file", accept: "image/*", hidden: true, change: () => input.files[0] && useFile(input.files[0]) });
  const choose = make("button", { type: "button", class: "main", click: () => input.click() }, text("upload"));
  const left = make("div", {}, ...(model.draw ? drawing(useFrame) : []), make("div", { class: "row" }, choose, make("span", { class: "soft" }, text("drop"))), input,
    ...camera(useFrame, problem, signal), problem);
  if (key) await follow(async () => [await get(`images/${key}`), await mapsOf(key)]);
  return [make("h1", {}, text("own_title")), make("div", { class: "own" }, left, result)];
}

/** Return a function that sends frames with `use`: the next one when the last was answered, without those in between. */
function latest(take, use) {
  let [busy, changed] = [false, false];
  return async () => {
    changed = true;
    if (busy) return;
    busy = true;
    while (changed) {
      changed = false;
      await use(take());
    }
    busy = false;
  };
}

/** The first `channels` bytes of each pixel of a canvas. */
function frameOf(context, channels) {
  const { width, height } = context.canvas;
  const { data } = context.getImageData(0, 0, width, height);
  const body = new Uint8Array(width * height * channels);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let channel = 0; channel < channels; channel++) body[pixel * channels + channel] = data[4 * pixel + channel];
  }
  return { height, width, channels, body };
}

/** A drawing area; `use` receives what was drawn, one frame after the other. */
function drawing(use) {
  const canvas = make("canvas", { width: SIDE, height: SIDE, class: "paper", role: "img", "aria-label": text("draw_label"), id: "paper" });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const send = latest(() => frameOf(context, 1), use);
  let last = null;
  function clear() {
    context.fillStyle = "#fff";
    context.fillRect(0, 0, SIDE, SIDE);
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

/** The camera; `use` receives its frames while it is on. It is turned off when another view is shown. */
function camera(use, problem, signal) {
  if (!navigator.mediaDevices?.getUserMedia) return [];
  const video = make("video", { class: "camera", muted: true, playsinline: true, hidden: true, "aria-label": text("camera") });
  const context = make("canvas").getContext("2d", { willReadFrequently: true });
  let stream = null;
  function off() {
    for (const track of stream?.getTracks() ?? []) track.stop();
    [stream, video.srcObject, video.hidden] = [null, null, true];
    button.textContent = text("camera_on");
  }
  async function on() {
    problem.textContent = "";
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch (error) {
      problem.textContent = text("no_camera", { reason: error.message });
      return;
    }
    if (signal.aborted) return off();
    [video.srcObject, video.hidden] = [stream, false];
    button.textContent = text("camera_off");
    await video.play().catch(() => {}); // turned off meanwhile
    film();
  }
  async function film() {
    while (stream && !signal.aborted) {
      if (video.videoWidth) await use(frame());
      await new Promise((resolve) => requestAnimationFrame(resolve)); // not while the tab is hidden
    }
  }
  function frame() {
    const shrink = Math.min(1, FILMED / Math.max(video.videoWidth, video.videoHeight));
    Object.assign(context.canvas, { width: Math.round(video.videoWidth * shrink), height: Math.round(video.videoHeight * shrink) });
    context.drawImage(video, 0, 0, context.canvas.width, context.canvas.height);
    return frameOf(context, 3);
  }
  signal.addEventListener("abort", off);
  const button = make("button", { type: "button", click: () => (stream ? off() : on()) }, text("camera_on"));
  return [make("div", { class: "row" }, button), video];
}
