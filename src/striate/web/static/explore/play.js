// The playground: networks that are put together here, and learn in a process of the server.

import { array, ask, follow, get } from "./api.js";
import { chart, smoothed } from "./chart.js";
import { make, number, percent, select, text, whole } from "./dom.js";
import { imageCanvas, mapCanvas } from "./draw.js";
import { asSetup, networkForm, preset } from "./play_network.js";

const BATCHES = [1, 8, 16, 32, 64, 128];
const LESSONS = {
  first: { data: "digits", networks: ["cnn"] },
  scattered: { data: "scattered", networks: ["mlp", "cnn"] },
  pooling: { data: "scattered", networks: ["cnn", "no_pooling"] },
  rates: { data: "digits", networks: ["cnn", "high_rate"] },
};
const chosen = { data: "digits", batch: 32, presets: ["cnn"], setups: null }; // stays when another view is shown

export async function showPlay(_, __, signal) {
  const names = await get("playground");
  if (!names.includes(chosen.data)) [chosen.data] = names;
  const data = await get(`playground?name=${chosen.data}`);
  chosen.setups ??= chosen.presets.map((name) => preset(name, data.classes.length));
  const redraw = () => window.dispatchEvent(new HashChangeEvent("hashchange"));
  const training = makeTraining(data, signal);
  const valid = chosen.setups.map(() => false);
  const forms = chosen.setups.map((setup, index) => networkForm({
    setup, index, name: () => networkName(index), data: chosen.data, classes: data.classes.length, signal, changed: training.end,
    rated: (value) => training.setRate(index, value),
    checked: (good) => {
      valid[index] = good;
      training.allow(valid.every(Boolean));
    },
  }));
  const lessons = Object.entries(LESSONS).map(([name, lesson]) => make("button", { type: "button", click: () => {
    Object.assign(chosen, { data: lesson.data, presets: lesson.networks, setups: null });
    redraw();
  } }, text(`lesson_${name}`)));
  const second = make("button", { type: "button", click: () => {
    if (chosen.setups.length > 1) chosen.setups.pop();
    else chosen.setups.push(preset(chosen.setups[0].preset === "mlp" ? "cnn" : "mlp", data.classes.length));
    redraw();
  } }, text(chosen.setups.length > 1 ? "one_network" : "two_networks"));
  const sources = select(text("data"), names.map((name) => [name, text(`data_${name}`)]), chosen.data, (name) => {
    Object.assign(chosen, { data: name, presets: chosen.setups.map((setup) => (setup.preset === "own" ? "cnn" : setup.preset)), setups: null });
    redraw();
  });
  const batch = select(text("batch"), BATCHES.map((size) => [size, size]), chosen.batch, (value) => {
    chosen.batch = Number(value);
    training.end();
  });
  return [make("h1", {}, text("play_title")), make("p", { class: "soft" }, text("play_help")),
    make("div", { class: "row", role: "group", "aria-label": text("lessons") }, make("span", { class: "soft" }, text("lessons")), ...lessons),
    make("div", { class: "controls" }, sources, batch, second),
    make("p", { class: "soft" }, text("play_data", { train: whole(data.train), held: whole(data.held_out), shape: data.shape.join("×") }), names.includes("images") ? "" : ` ${text("no_own_images")}`),
    make("div", { class: "play-networks" }, ...forms), ...training.parts];
}

/** Return the name of a network: beside another one, a letter and the lecture from which it comes. */
function networkName(index) {
  const { length, [index]: setup } = chosen.setups;
  if (length > 1 && setup.preset !== "own") return `${"AB"[index]} · ${text(`preset_${setup.preset}`)}`;
  return text("network_n", { n: length > 1 ? "AB"[index] : "" }).trim();
}

/** The controls of a training, and what it shows. It begins with the first command and ends with `end` or the view. */
function makeTraining(data, signal) {
  const count = chosen.setups.length;
  let names = chosen.setups.map((_, index) => networkName(index)); // as of the last change
  const loss = chart(text("loss"));
  const accuracy = chart(text("accuracy"), { unit: percent, tick: (share) => `${100 * share} %` });
  const status = make("output", { class: "soft" });
  const problem = make("p", { class: "error", role: "alert" });
  const views = names.map((_, index) => resultView(data, index));
  const play = make("button", { type: "button", class: "main", disabled: true, click: () => command(running ? "pause" : "play") });
  const step = make("button", { type: "button", disabled: true, click: () => command("step") }, text("play_step"));
  const reset = make("button", { type: "button", disabled: true, click: () => (clear(), session && command("reset")) }, text("reset"));
  const top = Math.ceil(1.6 * Math.log(data.classes.length)); // of the loss; a network that guesses has log K
  let [session, opened, running, good] = [null, null, false, false];
  let curves = [];

  function clear() {
    names = chosen.setups.map((_, index) => networkName(index));
    curves = names.map(() => ({ losses: [], measured: [] }));
    views.forEach((view, index) => view.clear(names[index]));
    status.textContent = "";
    problem.textContent = "";
    draw();
  }
  function end() {
    opened?.abort();
    [session, opened] = [null, null];
    show(false);
    clear();
  }
  function show(now) {
    running = now;
    play.textContent = text(running ? "pause" : "train");
  }
  async function command(name) {
    problem.textContent = "";
    try {
      if (!opened) await open();
      if (!session) return;
      show(name === "play");
      if (name === "play") bar.scrollIntoView();
      await ask(`playground/${session}/${name}`, { method: "POST" });
    } catch (error) {
      fail(error);
    }
  }
  function fail(error) {
    if (signal.aborted || error.name === "AbortError") return;
    opened?.abort();
    [session, opened] = [null, null];
    show(false);
    problem.textContent = error.message;
  }
  /** Begin a training; return when it has a key. */
  function open() {
    clear();
    const own = (opened = new AbortController());
    status.textContent = text("loading");
    return new Promise((resolve) => {
      const body = JSON.stringify({ data: chosen.data, batch_size: chosen.batch, networks: chosen.setups.map(asSetup) });
      (async () => {
        for await (const line of follow("playground", { method: "POST", body, signal: own.signal })) {
          if (own.signal.aborted) return;
          if (line.session) resolve((session = line.session));
          if (line.networks) receive(line);
        }
        throw new Error(text("stopped"));
      })().catch((error) => {
        if (opened === own) fail(error);
        resolve(null);
      });
    });
  }
  function receive(update) {
    if (update.step === 0) curves = names.map(() => ({ losses: [], measured: [] }));
    show(update.running);
    status.textContent = text("play_status", { step: update.step, epoch: number(Number(update.epoch.toFixed(2))) });
    update.networks.forEach((network, index) => {
      const curve = curves[index];
      for (const value of network.losses) curve.losses.push([curve.losses.length + 1, value ?? Infinity]);
      curve.measured.push(...network.measured);
      views[index].draw(network, curve);
    });
    draw();
  }
  function draw() {
    const entries = names.map((name, index) => ({ name, index, ...curves[index] }));
    loss.draw([...entries.map(({ losses, ...entry }) => ({ ...entry, points: losses, faint: true })),
      ...entries.map(({ losses, ...entry }) => ({ ...entry, points: smoothed(losses) }))], top);
    accuracy.draw(entries.map(({ measured, ...entry }) => ({ ...entry, points: measured.map(([at, , share]) => [at, share]) })), 1);
  }
  const bar = make("div", { class: "row play-bar" }, play, step, reset, status);
  signal.addEventListener("abort", () => opened?.abort());
  show(false);
  clear();
  const box = make("div", { class: count > 1 ? "results two" : "results" }, ...views.map((view) => view.section));
  return {
    end,
    setRate(index, value) {
      if (session) ask(`playground/${session}/rate?network=${index}&value=${value}`, { method: "POST" }).catch(fail);
      return Boolean(session);
    },
    allow(now) {
      good = now;
      for (const button of [play, step, reset]) button.disabled = !good;
    },
    parts: [bar, problem, make("div", { class: "charts" }, loss.figure, accuracy.figure), box],
  };
}

/** The filters of a network and its predictions for a few held-out images. */
function resultView(data, index) {
  const filters = make("div", { class: "filters play-filters" });
  const note = make("p", { class: "error" });
  const answers = data.images.map(() => make("span", {}, "–"));
  const images = data.images.map((url, number) => make("figure", { class: "sample" }, make("img", { src: url, alt: text("true", { label: data.classes[data.labels[number]] }) }), answers[number]));
  const title = make("h3", {}, text("play_filters"));
  const heading = make("h2");
  const section = make("section", { class: `result curve-${index}` }, heading, note,
    title, filters, make("h3", {}, text("play_samples")), make("div", { class: "samples" }, ...images));
  return {
    section,
    clear(name) {
      heading.textContent = name;
      section.setAttribute("aria-label", name);
      filters.replaceChildren();
      title.hidden = true;
      note.textContent = "";
      for (const answer of answers) Object.assign(answer, { textContent: "–", className: "" });
    },
    draw({ filters: kernel, probabilities, diverged }, { losses }) {
      note.textContent = diverged ? text("diverged", { step: losses.length }) : "";
      title.hidden = !kernel;
      filters.replaceChildren(...(kernel ? filterImages(array(kernel)) : []));
      const { shape: [, classes], values } = array(probabilities);
      answers.forEach((answer, number) => {
        const own = values.subarray(number * classes, (number + 1) * classes);
        const best = own.indexOf(Math.max(...own));
        const right = best === data.labels[number];
        answer.className = right ? "right" : "wrong";
        answer.textContent = best < 0 ? "–" : `${right ? "✓" : "✗"} ${data.classes[best]} ${Math.round(100 * own[best])} %`;
      });
    },
  };
}

/** Filters (h, w, C, n): red and blue for one channel, in color for three. */
function filterImages({ shape: [height, width, channels, count], values }) {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  const at = (y, x, channel, filter) => values[((y * width + x) * channels + channel) * count + filter];
  return Array.from({ length: count }, (_, filter) => {
    const label = { role: "img", "aria-label": text("filter_label", { channel: filter }) };
    if (channels !== 3) return mapCanvas(height, width, (y, x) => at(y, x, 0, filter), -largest, largest, label);
    const bytes = Uint8Array.from({ length: height * width * 3 }, (_unused, index) => {
      const [pixel, channel] = [Math.floor(index / 3), index % 3];
      return 127.5 * (1 + at(Math.floor(pixel / width), pixel % width, channel, filter) / largest);
    });
    return imageCanvas({ shape: [height, width, 3], values: bytes }, label);
  });
}
