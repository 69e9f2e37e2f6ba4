"use strict";
const root = document.documentElement;
const settings = new URLSearchParams(location.hash.slice(1));
const state = {
  lang: settings.get("lang") || (navigator.language.toLowerCase().startsWith("ko") ? "ko" : "en"),
  theme: settings.get("theme"),
  matrix: settings.get("matrix") || "counts",
};
const framed = location.protocol === "about:"; // such a page has no address that could be changed
const systemDark = matchMedia("(prefers-color-scheme: dark)");

function show() {
  root.lang = state.lang === "ko" ? "ko" : "en";
  root.dataset.theme = state.theme || (systemDark.matches ? "dark" : "light");
}

// Before the page is drawn, so that it does not first appear in the wrong language or theme.
show();
systemDark.addEventListener("change", show);

function set(key, value) {
  state[key] = value;
  const hash = new URLSearchParams(Object.entries(state).filter(([, value]) => value));
  if (!framed) history.replaceState(null, "", "#" + hash);
  update();
}

// In the frame of a notebook, links within the page would lead to the notebook.
function follow(event) {
  const link = event.target.closest('a[href^="#"]');
  if (!link) return;
  event.preventDefault();
  document.getElementById(link.getAttribute("href").slice(1))?.scrollIntoView();
}
if (framed) document.addEventListener("click", follow);

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

function card(template, [thumbnail, index, predicted, confidence, trueClass, probability, path]) {
  const item = template.cloneNode(true);
  const image = item.querySelector("img");
  for (const language of ["en", "ko"]) image.dataset[language] = image.dataset[language].replace(/\d+/, index);
  if (thumbnail) image.src = thumbnail;
  else image.removeAttribute("src");
  const texts = { true: trueClass, predicted, confidence, probability, path };
  for (const [name, text] of Object.entries(texts)) item.querySelector(`[data-part=${name}]`).textContent = text;
  return item;
}

function moreErrors(button) {
  const remaining = JSON.parse(document.getElementById("more-errors").textContent);
  const list = document.getElementById("errors-list");
  const next = () => {
    for (const error of remaining.splice(0, 200)) list.append(card(list.firstElementChild, error));
    for (const number of button.querySelectorAll("b")) number.textContent = Math.min(200, remaining.length);
    button.hidden = remaining.length === 0;
    update();
  };
  button.addEventListener("click", next);
}

function readDots(image) {
  const { classes, cells } = JSON.parse(document.getElementById("cells").textContent);
  const output = document.getElementById("dot");
  const counts = new Map(cells.map(([row, column, count]) => [row * classes.length + column, count]));
  image.addEventListener("pointermove", (event) => {
    const box = image.getBoundingClientRect();
    const index = (part) => Math.min(classes.length - 1, Math.max(0, Math.floor(part * classes.length)));
    const row = index((event.clientY - box.top) / box.height);
    const column = index((event.clientX - box.left) / box.width);
    output.textContent = `${classes[row]} → ${classes[column]}: ${counts.get(row * classes.length + column) || 0}`;
  });
}

// Fade the edge behind which a table continues, since many screens show no scroll bar.
function markOverflow(element) {
  const hidden = element.scrollWidth - element.clientWidth;
  element.classList.toggle("wider", hidden > 1);
  element.classList.toggle("continues", hidden - element.scrollLeft > 1);
}

document.addEventListener("DOMContentLoaded", () => {
  const click = (id, action) => document.getElementById(id)?.addEventListener("click", action);
  click("language", () => set("lang", root.lang === "ko" ? "en" : "ko"));
  click("theme", () => set("theme", root.dataset.theme === "dark" ? "light" : "dark"));
  for (const button of document.querySelectorAll("[data-matrix]")) {
    button.addEventListener("click", () => set("matrix", button.dataset.matrix));
  }
  const more = document.getElementById("more");
  if (more) moreErrors(more);
  const dots = document.getElementById("dots");
  if (dots) readDots(dots);
  update();
  const resized = new ResizeObserver((entries) => entries.forEach((entry) => markOverflow(entry.target.closest(".scroll"))));
  for (const element of document.querySelectorAll(".scroll")) {
    element.addEventListener("scroll", () => markOverflow(element), { passive: true });
    for (const part of [element, element.firstElementChild]) resized.observe(part);
    markOverflow(element);
  }
  root.dataset.ready = "yes";
});
