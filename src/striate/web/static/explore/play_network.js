// A network of the playground: its layers, optimizer and learning rate, and what is wrong with them.

import { ask } from "./api.js";
import { large, make, messageOf, select, text } from "./dom.js";

const ACTIVATIONS = ["linear", "relu", "tanh", "sigmoid", "elu", "softmax"];
const OPTIMIZERS = ["SGD", "Momentum", "AdaGrad", "RMSprop", "Adam"];
const RATES = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3];
const ARGUMENTS = {
  Conv2D: { filters: 8, kernel_size: 5, strides: 1, padding: ["valid", "same"], activation: ACTIVATIONS },
  MaxPool2D: { pool_size: 2 }, AveragePool2D: { pool_size: 2 }, Flatten: {}, GlobalAveragePool2D: {},
  Dense: { units: 64, activation: ACTIVATIONS }, Dropout: { rate: 0.5 }, BatchNormalization: {},
};
const DELAY = 250; // milliseconds without a change, after which the network is checked

const conv = (filters, kernel_size, activation = "relu", padding = "valid") => ({ kind: "Conv2D", filters, kernel_size, strides: 1, padding, activation });
const pool = (kind = "MaxPool2D") => ({ kind, pool_size: 2 });
const dense = (units, activation = "relu") => ({ kind: "Dense", units, activation });
const flatten = { kind: "Flatten" };

/** Networks of lectures, for a number of classes. */
const PRESETS = {
  cnn: (k) => ({ layers: [conv(8, 5), pool(), conv(16, 5), pool(), flatten, dense(k, "softmax")], optimizer: "Adam", learning_rate: 0.003 }),
  mlp: (k) => ({ layers: [flatten, dense(64), dense(k, "softmax")], optimizer: "Adam", learning_rate: 0.003 }),
  lenet5: (k) => ({ layers: [conv(6, 5, "tanh", "same"), pool("AveragePool2D"), conv(16, 5, "tanh"), pool("AveragePool2D"), flatten, dense(120, "tanh"), dense(84, "tanh"), dense(k, "softmax")], optimizer: "Adam", learning_rate: 0.001 }),
  simple_convnet: (k) => ({ layers: [conv(30, 5), pool(), flatten, dense(100), dense(k, "softmax")], optimizer: "Adam", learning_rate: 0.001 }),
  no_pooling: (k) => ({ layers: [conv(8, 5), conv(16, 5), flatten, dense(k, "softmax")], optimizer: "Adam", learning_rate: 0.003 }),
  high_rate: (k) => ({ layers: [conv(8, 5), pool(), conv(16, 5), pool(), flatten, dense(k, "softmax")], optimizer: "SGD", learning_rate: 3 }),
};

export function preset(name, classes) {
  return { preset: name, ...structuredClone(PRESETS[name](classes)) };
}

/** What the server is told about a network. */
export const asSetup = ({ layers, optimizer, learning_rate }) => ({ layers, optimizer, learning_rate });

/**
 * The form of a network with the name `name()`. `setup` is changed in place; `changed` is called after each change, and
 * `checked` with whether the network can be trained; `rated(value)` returns whether a training uses a new learning rate.
 */
export function networkForm({ setup, index, name, data, classes, changed, checked, rated, signal }) {
  const list = make("ol", { class: "layers" });
  const problem = make("p", { class: "error", role: "alert" });
  const summary = make("p", { class: "soft" });
  let [timer, asked] = [null, 0];
  signal.addEventListener("abort", () => clearTimeout(timer));
  function edit(change) {
    change();
    setup.preset = "own";
    presets.value = "own";
    update();
  }
  function setRate(value) {
    const accepted = value > 0 && rated(value); // a training that runs goes on with it
    if (!accepted) return edit(() => (setup.learning_rate = value));
    Object.assign(setup, { learning_rate: value, preset: "own" });
    presets.value = "own";
  }
  function showName() {
    heading.textContent = name();
    section.setAttribute("aria-label", name());
  }
  function update() {
    showName();
    changed();
    checked(false);
    clearTimeout(timer);
    timer = setTimeout(check, DELAY);
  }
  async function check() {
    const request = ++asked;
    try {
      const answer = await ask("playground/check", { method: "POST", body: JSON.stringify({ data, ...asSetup(setup) }), signal });
      if (request !== asked) return;
      problem.textContent = messageOf(answer);
      for (const [row, item] of [...list.children].entries()) {
        item.classList.toggle("wrong", row === answer.wrong);
        const shape = item.querySelector(".shape");
        if (shape) shape.textContent = answer.layers[row]?.shape.join("×") ?? "";
      }
      const parameters = answer.layers.reduce((sum, layer) => sum + layer.parameters, 0);
      summary.textContent = answer.problem ? "" : text("parameters", { n: large(parameters) });
      checked(!answer.problem);
    } catch (error) {
      if (!signal.aborted && request === asked) problem.textContent = error.message;
    }
  }
  function drawLayers() {
    list.replaceChildren(...setup.layers.map((layer, row) => {
      const kinds = small(text("kind"), Object.keys(ARGUMENTS), layer.kind, (kind) => edit(() => {
        setup.layers[row] = { kind, ...Object.fromEntries(Object.entries(ARGUMENTS[kind]).map(([each, value]) => [each, Array.isArray(value) ? value[0] : value])) };
        drawLayers();
      }));
      const fields = Object.entries(ARGUMENTS[layer.kind]).map(([each, values]) => (Array.isArray(values)
        ? small(each, values, layer[each], (value) => edit(() => (layer[each] = value)))
        : numberField(each, layer[each], (value) => edit(() => (layer[each] = value)))));
      const add = make("button", { type: "button", class: "icon", "aria-label": text("add_after", { n: row + 1 }), title: text("add_after", { n: row + 1 }), click: () => edit(() => (setup.layers.splice(row + 1, 0, dense(64)), drawLayers())) }, "+");
      const remove = make("button", { type: "button", class: "icon", "aria-label": text("remove", { n: row + 1 }), title: text("remove", { n: row + 1 }), click: () => edit(() => (setup.layers.splice(row, 1), drawLayers())) }, "×");
      return make("li", {}, kinds, make("span", { class: "arguments" }, ...fields), make("span", { class: "shape soft" }), add, remove);
    }));
    if (!setup.layers.length) list.append(make("li", {}, make("button", { type: "button", click: () => edit(() => (setup.layers.push(dense(classes, "softmax")), drawLayers())) }, text("add_first"))));
  }
  const options = [...Object.keys(PRESETS), "own"].map((each) => [each, text(`preset_${each}`)]);
  const choice = select(text("preset"), options, setup.preset, (value) => {
    if (value === "own") return;
    Object.assign(setup, preset(value, classes));
    optimizer.querySelector("select").value = setup.optimizer;
    rate.querySelector("input").value = setup.learning_rate;
    drawLayers();
    update();
  });
  const presets = choice.querySelector("select");
  const optimizer = select(text("optimizer"), OPTIMIZERS.map((each) => [each, each]), setup.optimizer, (value) => edit(() => (setup.optimizer = value)));
  const rates = `rates-${index}`;
  const rate = make("label", { class: "field" }, make("span", {}, text("rate")),
    make("input", { type: "number", min: 0, step: "any", list: rates, value: setup.learning_rate, change: (event) => setRate(event.target.valueAsNumber) }),
    make("datalist", { id: rates }, ...RATES.map((value) => make("option", { value }))));
  const heading = make("h2");
  const section = make("section", { class: `play-network curve-${index}` },
    make("div", { class: "controls" }, heading, choice, optimizer, rate), list, summary, problem);
  showName();
  drawLayers();
  check();
  return section;
}

function small(label, values, chosen, change) {
  const list = make("select", { class: "small", "aria-label": label, title: label, change: () => change(list.value) });
  for (const value of values) list.append(make("option", { value, selected: value === chosen }, value));
  return list;
}

function numberField(name, value, change) {
  const field = make("input", { type: "number", class: "small", "aria-label": name, value, step: "any", change: () => change(field.valueAsNumber) });
  return make("span", { class: "argument" }, make("span", { class: "soft", "aria-hidden": true }, name), field);
}
