// The page of the prediction service: its token, and predictions over HTTP.

import { SHOWN, showModels, showNotLoaded, start, text } from "./view.js";

const RETRIES = 5; // while the service is busy
const form = document.getElementById("ask");
const wrong = document.getElementById("wrong");
const use = document.getElementById("use");
const field = document.getElementById("token");
let token = sessionStorage.getItem("token") ?? "";

async function ask(path, options = {}) {
  const headers = { "Accept-Language": document.documentElement.lang };
  if (token) headers.Authorization = `Bearer ${token}`;
  return fetch(path, { ...options, headers: { ...headers, ...options.headers } });
}

async function findModels() {
  const response = await ask("/v1/models");
  form.hidden = response.status !== 401;
  use.hidden = !response.ok;
  wrong.hidden = form.hidden || !token;
  if (response.ok) showModels((await response.json()).models);
  else if (response.status !== 401) throw new Error(`${response.status} ${response.statusText}`);
}

async function predict(image, model, show) {
  for (let retries = RETRIES; ; retries -= 1) {
    const response = await ask(`/v1/models/${encodeURIComponent(model)}/predict?top=${SHOWN}`, {
      method: "POST",
      body: image,
      headers: { "Content-Type": "application/octet-stream" },
    });
    const answer = await response.json();
    if (response.status !== 503 || !retries) return response.ok ? answer.predictions[0] : answer;
    show({ waiting: text("busy") });
    const seconds = Number(response.headers.get("Retry-After") ?? 1);
    await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  token = field.value.trim();
  sessionStorage.setItem("token", token);
  findModels().catch(showNotLoaded);
});

start({ texts: await (await fetch("/texts.json")).json(), predict, live: false });
await findModels().catch(showNotLoaded);
