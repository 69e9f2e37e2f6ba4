// The page of the prediction service: images from files, the clipboard or the camera, and their predictions.

const element = (id) => document.getElementById(id);
const SHOWN = 3; // classes with their probabilities
const RETRIES = 5; // while the service is busy

let texts = {};
let models = [];
let language = localStorage.getItem("language") ?? (navigator.language.startsWith("ko") ? "ko" : "en");
let token = sessionStorage.getItem("token") ?? "";
const results = []; // {item, file, url, answer}, from first to last

function text(name, values = {}) {
  return texts[name][language].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

function make(tag, content = "", className = "") {
  const made = document.createElement(tag);
  made.textContent = content;
  if (className) made.className = className;
  return made;
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;
const number = (value) => Number(value.toPrecision(4)).toString();

async function ask(path, options = {}) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  return fetch(path, { ...options, headers: { ...headers, ...options.headers } });
}

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
  const kind = { classification: "classes", multilabel: "labels", regression: "numbers" }[model.task];
  element("classes").textContent = text(kind, { n: model.classes.length, names });
}

async function showModels() {
  const response = await ask("/v1/models");
  element("ask").hidden = response.status !== 401;
  element("use").hidden = !response.ok;
  if (!response.ok) return;
  models = (await response.json()).models;
  element("model").replaceChildren(...models.map((model) => make("option", model.name)));
  element("models").hidden = models.length < 2;
  showModel();
}

// Predictions

function predictAll(files) {
  for (const file of files) {
    const result = { item: make("li", "", "result"), file, url: URL.createObjectURL(file), answer: null };
    results.push(result);
    element("results").prepend(result.item);
    showResult(result);
    predict(result, models[element("model").selectedIndex].name, RETRIES);
  }
  element("head").hidden = !results.length;
}

async function predict(result, model, retries) {
  try {
    const response = await ask(`/v1/models/${encodeURIComponent(model)}/predict?top=${SHOWN}`, {
      method: "POST",
      body: result.file,
      headers: { "Content-Type": "application/octet-stream" },
    });
    if (response.status === 503 && retries) {
      result.answer = { waiting: text("busy") };
      const seconds = Number(response.headers.get("Retry-After") ?? 1);
      setTimeout(() => predict(result, model, retries - 1), 1000 * seconds);
    } else {
      const answer = await response.json();
      result.answer = response.ok ? answer.predictions[0] : answer;
    }
  } catch (error) {
    result.answer = { error: text("failed", { reason: error.message }) };
  }
  showResult(result);
}

function showResult({ item, file, url, answer }) {
  const image = make("img");
  image.src = url;
  image.alt = "";
  image.addEventListener("error", () => image.classList.add("damaged"));
  const body = make("div");
  body.append(...(answer ? describe(answer) : [make("span", text("waiting"), "soft")]), make("div", file.name, "file"));
  item.replaceChildren(image, body);
}

function describe(answer) {
  if (answer.waiting) return [make("span", answer.waiting, "soft")];
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
  element("problem").textContent = "";
  element("shoot").disabled = true; // until the first frame has arrived
  try {
    element("video").srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    element("view").hidden = false;
  } catch (error) {
    element("problem").textContent = text("no_camera", { reason: error.message });
  }
}

function closeCamera() {
  for (const track of element("video").srcObject?.getTracks() ?? []) track.stop();
  element("video").srcObject = null;
  element("view").hidden = true;
}

function takePicture() {
  const video = element("video");
  const canvas = make("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  canvas.toBlob((blob) => predictAll([new File([blob], "camera.jpg", { type: "image/jpeg" })]), "image/jpeg", 0.92);
}

// Events

element("language").addEventListener("click", () => {
  language = language === "ko" ? "en" : "ko";
  localStorage.setItem("language", language);
  showTexts();
});
element("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  token = element("token").value.trim();
  sessionStorage.setItem("token", token);
  showModels();
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
element("video").addEventListener("loadeddata", () => (element("shoot").disabled = false));
document.addEventListener("paste", (event) => predictAll([...event.clipboardData.files]));
for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    element("drop").classList.toggle("over", name === "dragover");
    if (name === "drop" && models.length) predictAll([...event.dataTransfer.files]);
  });
}

texts = await (await fetch("/texts.json")).json();
await showModels();
showTexts();
