// Requests to the server, and the arrays in its answers.

import { text } from "./dom.js";

const TYPES = { float64: Float64Array, float32: Float32Array, uint8: Uint8Array, int64: BigInt64Array };
const KEPT = 200; // answers

const fragment = new URLSearchParams(location.hash.slice(1));
if (fragment.has("token")) {
  sessionStorage.setItem("explore-token", fragment.get("token"));
  history.replaceState(null, "", "#/");
}

const answers = new Map(); // path → promise

/** Send a request; throw an Error with a message for people if it fails. */
export async function ask(path, options = {}) {
  return (await send(path, options)).json();
}

/** Yield the objects of an answer that arrive one after the other, until it ends or `options.signal` is aborted. */
export async function* follow(path, options = {}) {
  const reader = (await send(path, options)).body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read().catch((error) => {
      if (options.signal?.aborted) throw error;
      throw new Error(text("stopped"), { cause: error });
    });
    const lines = (rest + (value ?? "")).split("\n");
    rest = done ? "" : lines.pop();
    for (const line of lines) {
      if (!line) continue;
      const content = JSON.parse(line);
      if (content.error) throw new Error(text("failed", { reason: content.error }));
      yield content;
    }
    if (done) return;
  }
}

async function send(path, options) {
  const headers = { Authorization: `Bearer ${sessionStorage.getItem("explore-token") ?? ""}`, ...options.headers };
  let response;
  try {
    response = await fetch(`/explore/api/${path}`, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error(text("stopped"), { cause: error });
  }
  if (response.status === 401) throw new Error(text("no_token"));
  if (!response.ok) throw new Error(text("failed", { reason: (await response.json()).error }));
  return response;
}

/** The same for what does not change, which is asked for once. */
export function get(path) {
  if (!answers.has(path)) {
    const answer = ask(path);
    answers.set(path, answer);
    answer.catch(() => answers.delete(path));
    if (answers.size > KEPT) answers.delete(answers.keys().next().value);
  }
  return answers.get(path);
}

/** Return an array of an answer as {shape, values}. */
export function array({ shape, dtype, data }) {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  return { shape, values: new TYPES[dtype](bytes.buffer) };
}

export async function thumbnails(ids) {
  return ids.length ? get(`thumbnails?ids=${ids.join(",")}`) : {};
}
