// The frame of the page: navigation, language, and which view an address shows.

import { ask, get } from "./api.js";
import { language, make, text, useTexts } from "./dom.js";
import { showImages } from "./images.js";
import { showLayer } from "./layer.js";
import { showNetwork } from "./network.js";
import { showOwn } from "./own.js";
import { showPlay } from "./play.js";
import { texts } from "./server.js";
import { showSliding } from "./sliding.js";
import { showUnit } from "./unit.js";
import { showWhy } from "./why.js";

const VIEWS = {
  images: showImages, network: showNetwork, layer: showLayer, unit: showUnit, own: showOwn, why: showWhy,
  filter: showSliding, play: showPlay,
};
const element = (id) => document.getElementById(id);

/** What all views know: the answer of /model, and the key of the image that was chosen last. */
const state = {
  model: null,
  get image() {
    const { count, labels, predicted } = this.model;
    const wrong = labels ? predicted.findIndex((guess, index) => guess >= 0 && guess !== labels[index]) : -1;
    return sessionStorage.getItem("explore-image") ?? (count ? String(Math.max(0, wrong)) : null);
  },
  set image(key) {
    sessionStorage.setItem("explore-image", key);
  },
};

let current = null; // the AbortController of the view that is shown

async function show() {
  current?.abort();
  const controller = (current = new AbortController());
  const [name, ...parts] = location.hash.replace(/^#\//, "").split("/").map(decodeURIComponent);
  const view = VIEWS[name] ? name : (state.model.views?.[0] ?? "images");
  element("problem").textContent = "";
  showFrame(view);
  const waiting = setTimeout(() => element("view").replaceChildren(make("p", { class: "soft" }, text("loading"))), 300);
  try {
    const content = await VIEWS[view](state, parts, controller.signal);
    if (controller.signal.aborted) return;
    const sameView = element("view").dataset.view === view;
    Object.assign(element("view").dataset, { view, address: location.hash });
    element("view").replaceChildren(...content);
    if (!sameView) window.scrollTo(0, 0);
  } catch (error) {
    if (controller.signal.aborted) return;
    element("view").replaceChildren();
    element("problem").textContent = error.message;
  } finally {
    clearTimeout(waiting);
  }
}

function showFrame(view) {
  document.documentElement.lang = language.current;
  element("language").textContent = language.current === "ko" ? "English" : "한국어";
  element("name").textContent = `Striate · ${state.model.name}`;
  document.title = `${text(`nav_${{ layer: "network", unit: "network" }[view] ?? view}`)} · ${state.model.name}`;
  const links = [["images", "images"], ["network", "network"], ["why", "why"], ["own", "own"], ["filter", "filter"], ["play", "play"]];
  const shown = links.filter(([name]) => !state.model.views || state.model.views.includes(name)); // a lesson has few
  element("nav").replaceChildren(...shown.map(([name, target]) => {
    const here = view === name || (name === "network" && (view === "layer" || view === "unit"));
    return make("a", { href: `#/${target}`, "aria-current": here ? "page" : null }, text(`nav_${name}`));
  }));
}

async function useFile(file) {
  if (!file || state.model.views) return;
  try {
    const answer = await ask("images", { method: "POST", body: file });
    state.image = answer.id;
    location.hash = `#/own/${answer.id}`;
  } catch (error) {
    element("problem").textContent = error.message;
  }
}

element("language").addEventListener("click", () => {
  language.use(language.current === "ko" ? "en" : "ko");
  if (state.model) show();
});
window.addEventListener("hashchange", () => state.model && show()); // before, the first view is still to come
document.addEventListener("paste", (event) => useFile(event.clipboardData.files[0]));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  useFile(event.dataTransfer.files[0]);
});

useTexts(await texts());
try {
  state.model = await get("model");
  await show();
} catch (error) {
  element("problem").textContent = error.message;
}
