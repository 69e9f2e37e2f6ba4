// What the service's page and an exported page share: images from files, the clipboard or the camera, and answers.

const element = (id) => document.getElementById(id);
export const SHOWN = 3; // classes with their probabilities
const LIVE_PERIOD = 200; // milliseconds between two predictions of the camera, at least

let texts = {};
let models = [];
let predict; // (image, model, show) → answer; may show answers before
let isLive = false; // whether the camera's image is predicted continuously
let language = remembered("language") ?? (navigator.language.startsWith("ko") ? "ko" : "en");
const results = []; // {item, file, url, answer}, from first to last
let setLoaded;
let setFailed;
const loaded = new Promise((resolve, reject) => { // images that were chosen before wait for it
  setLoaded = resolve;
  setFailed = reject;
});
loaded.catch(() => {}); // shown by showNotLoaded

// Start the page. `options` has the texts by name and language, `predict`, and `live`.
export function start(options) {
  ({ texts, predict, live: isLive } = options);
  listen();
  showTexts();
}

export function text(name, values = {}) {
  return texts[name][language].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

// Storage can be forbidden, for example in files from the disk.
function remembered(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // then the next visit starts in the browser's language
  }
}

function make(tag, content = "", className = "") {
  const made = document.createElement(tag);
  made.textContent = content;
  if (className) made.className = className;
  return made;
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;
const number = (value) => Number(value.toPrecision(4)).toString();

// Texts, language and models

function showTexts() {
  document.documentElement.lang = language;
  element("language").textContent = language === "ko" ? "English" : "한국어";
  for (const target of document.querySelectorAll("[data-text]")) target.textContent = text(target.dataset.text);
  showModel();
  results.forEach(showResult);
}

function showModel() {
  const model = models[element("model").selectedIndex];
  if (!model) return;
  const names = model.classes.slice(0, 30).join(", ") + (model.classes.length > 30 ? ", …" : "");
  const kind = { classification: "classes", multilabel: "labels", regression: "targets" }[model.task];
  element("classes").textContent = text(kind, { n: model.classes.length, names });
}

// Let the user choose among these models, and accept images.
export function showModels(found) {
  models = found;
  element("model").replaceChildren(...models.map((model) => make("option", model.name)));
  element("models").hidden = models.length < 2;
  element("use").hidden = false;
  showModel();
  setLoaded();
  results.forEach(showResult);
}

// Say that there will be no model, also to images that were chosen or will be.
export function showNotLoaded(error) {
  const message = text("not_loaded", { reason: error.message });
  showProblem(message);
  setFailed(new Error(message));
}

export function showProblem(message) {
  element("problem").textContent = message;
}

// Predictions

function predictAll(files) {
  for (const file of files) {
    const result = { item: make("li", "", "result"), file, url: URL.createObjectURL(file), answer: null };
    results.push(result);
    element("results").prepend(result.item);
    showResult(result);
    answer(file, (found) => {
      result.answer = found;
      showResult(result);
    });
  }
  element("head").hidden = !results.length;
}

async function answer(image, show) {
  if (image.size === 0) { // a file; frames of the camera have no such property
    show({ empty: true });
    return;
  }
  try {
    await loaded;
  } catch (error) {
    show({ error: error.message });
    return;
  }
  const model = models[element("model").selectedIndex].name;
  show(await predict(image, model, show).catch((error) => ({ error: text("failed", { reason: error.message }) })));
}

function showResult({ item, file, url, answer }) {
  const image = make("img");
  image.src = url;
  image.alt = "";
  image.addEventListener("error", () => image.classList.add("damaged"));
  const body = make("div");
  body.append(...(answer ? describe(answer) : [make("span", text(models.length ? "waiting" : "loading"), "soft")]), make("div", file.name, "file"));
  item.replaceChildren(image, body);
}

function describe(answer) {
  if (answer.waiting) return [make("span", answer.waiting, "soft")];
  if (answer.empty) return [make("span", text("empty"), "error")];
  if (answer.unreadable) return [make("span", text("unreadable"), "error")];
  if (answer.error) return [make("span", answer.error, "error")];
  if (answer.values) return describeNumbers(answer);
  const label = answer.label ?? (answer.labels.join(", ") || text("none"));
  const title = make("strong", answer.unknown ? text("unknown") : label);
  const meaning = answer.unknown ? [make("p", text("unknown_meaning", { label }), "soft")] : [];
  const shares = Object.entries(answer.probabilities).sort((a, b) => b[1] - a[1]).slice(0, SHOWN);
  const bars = make("div", "", "bars");
  for (const [name, share] of shares) {
    const bar = make("meter");
    bar.value = share;
    bar.setAttribute("aria-label", name);
    bars.append(make("span", name), bar, make("span", percent(share)));
  }
  return [title, ...meaning, bars];
}

function describeNumbers(answer) {
  return Object.entries(answer.values).map(([name, value]) => {
    const [low, high] = answer.intervals[name] ?? [value, value];
    const spread = high > low ? ` ± ${number((high - low) / 2)}` : "";
    return make("div", `${name}: ${number(value)}${spread}${answer.unknown ? ` (${text("unknown")})` : ""}`);
  });
}

// Camera

async function openCamera() {
  showProblem("");
  element("shoot").disabled = true; // until the first frame has arrived
  try {
    element("video").srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    element("view").hidden = false;
  } catch (error) {
    showProblem(text("no_camera", { reason: error.message }));
  }
}

function closeCamera() {
  for (const track of element("video").srcObject?.getTracks() ?? []) track.stop();
  element("video").srcObject = null;
  element("view").hidden = true;
  element("live").replaceChildren();
}

// Return the present image of the camera on a canvas.
function frame() {
  const video = element("video");
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  canvas.getContext("2d").drawImage(video, 0, 0);
  return canvas;
}

async function takePicture() {
  const blob = await frame().convertToBlob({ type: "image/jpeg", quality: 0.92 });
  predictAll([new File([blob], "camera.jpg", { type: "image/jpeg" })]);
}

function cameraStarted() {
  element("shoot").disabled = false;
  if (isLive) predictLive(element("video").srcObject);
}

async function predictLive(stream) {
  const isOpen = () => element("video").srcObject === stream;
  while (stream && isOpen()) {
    const next = new Promise((resolve) => setTimeout(resolve, LIVE_PERIOD));
    if (!document.hidden) {
      await answer(frame().transferToImageBitmap(), (found) => isOpen() && element("live").replaceChildren(...describe(found)));
    }
    await next;
  }
}

// Events

const isInUse = () => !element("use").hidden;

function listen() {
  element("language").addEventListener("click", () => {
    language = language === "ko" ? "en" : "ko";
    remember("language", language);
    showTexts();
  });
  element("model").addEventListener("change", showModel);
  element("choose").addEventListener("click", () => element("files").click());
  element("files").addEventListener("change", (event) => {
    predictAll([...event.target.files]);
    event.target.value = "";
  });
  element("clear").addEventListener("click", () => {
    for (const { url } of results) URL.revokeObjectURL(url);
    results.length = 0;
    element("results").replaceChildren();
    element("head").hidden = true;
  });
  element("camera").addEventListener("click", openCamera);
  element("close").addEventListener("click", closeCamera);
  element("shoot").addEventListener("click", takePicture);
  element("video").addEventListener("loadeddata", cameraStarted);
  document.addEventListener("paste", (event) => isInUse() && predictAll([...event.clipboardData.files]));
  for (const name of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      element("drop").classList.toggle("over", name === "dragover");
      if (name === "drop" && isInUse()) predictAll([...event.dataTransfer.files]);
    });
  }
}
