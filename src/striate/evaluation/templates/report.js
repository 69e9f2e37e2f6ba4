"use strict";
const root = document.documentElement;
const wishes = new URLSearchParams(location.hash.slice(1));
const state = {
  lang: wishes.get("lang") || (navigator.language.toLowerCase().startsWith("ko") ? "ko" : "en"),
  theme: wishes.get("theme"),
  matrix: wishes.get("matrix") || "counts",
};
const systemDark = matchMedia("(prefers-color-scheme: dark)");

function show() {
  root.lang = state.lang === "ko" ? "ko" : "en";
  root.dataset.theme = state.theme || (systemDark.matches ? "dark" : "light");
}

// Before the page is drawn, so that it does not flash in the wrong language or theme.
show();
systemDark.addEventListener("change", show);

function set(key, value) {
  state[key] = value;
  const hash = new URLSearchParams(Object.entries(state).filter(([, wish]) => wish));
  history.replaceState(null, "", "#" + hash);
  update();
}

function update() {
  show();
  for (const element of document.querySelectorAll("[data-en]")) {
    element.setAttribute(element.tagName === "IMG" ? "alt" : "aria-label", element.dataset[root.lang]);
  }
  document.getElementById("matrix")?.classList.toggle("percent", state.matrix === "percent");
  for (const button of document.querySelectorAll("[data-matrix]")) {
    button.setAttribute("aria-pressed", String(button.dataset.matrix === state.matrix));
  }
}

function card(pattern, [picture, index, taken, surely, truth, true_, path]) {
  const item = pattern.cloneNode(true);
  const image = item.querySelector("img");
  for (const language of ["en", "ko"]) image.dataset[language] = image.dataset[language].replace(/\d+/, index);
  if (picture) image.src = picture;
  else image.removeAttribute("src");
  const texts = { true: truth, taken, surely, chance: true_, path };
  for (const [name, text] of Object.entries(texts)) item.querySelector(`[data-part=${name}]`).textContent = text;
  return item;
}

function moreMistakes(button) {
  const rest = JSON.parse(document.getElementById("rest").textContent);
  const list = document.getElementById("mistakes-list");
  const next = () => {
    for (const mistake of rest.splice(0, 200)) list.append(card(list.firstElementChild, mistake));
    for (const number of button.querySelectorAll("b")) number.textContent = Math.min(200, rest.length);
    button.hidden = rest.length === 0;
    update();
  };
  button.addEventListener("click", next);
}

function readDots(picture) {
  const { classes, cells } = JSON.parse(document.getElementById("cells").textContent);
  const output = document.getElementById("dot");
  const found = new Map(cells.map(([row, column, count]) => [row * classes.length + column, count]));
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const at = (part) => Math.min(classes.length - 1, Math.max(0, Math.floor(part * classes.length)));
    const row = at((event.clientY - box.top) / box.height);
    const column = at((event.clientX - box.left) / box.width);
    output.textContent = `${classes[row]} → ${classes[column]}: ${found.get(row * classes.length + column) || 0}`;
  });
}

document.addEventListener("DOMContentLoaded", () => {
  const click = (id, action) => document.getElementById(id)?.addEventListener("click", action);
  click("language", () => set("lang", root.lang === "ko" ? "en" : "ko"));
  click("theme", () => set("theme", root.dataset.theme === "dark" ? "light" : "dark"));
  for (const button of document.querySelectorAll("[data-matrix]")) {
    button.addEventListener("click", () => set("matrix", button.dataset.matrix));
  }
  const more = document.getElementById("more");
  if (more) moreMistakes(more);
  const dots = document.getElementById("dots");
  if (dots) readDots(dots);
  update();
  root.dataset.ready = "yes";
});
