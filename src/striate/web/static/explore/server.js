// The answers of the server. A lesson, which has none, contains lesson.js in place of this module.

import { messageOf, text } from "./dom.js";

const fragment = new URLSearchParams(location.hash.slice(1));
if (fragment.has("token")) {
  sessionStorage.setItem("explore-token", fragment.get("token"));
  history.replaceState(null, "", "#/");
}

export async function texts() {
  return (await fetch("/explore/texts.json")).json();
}

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
      if (content.error) throw new Error(text("failed", { reason: messageOf(content) }));
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
  if (!response.ok) throw new Error(text("failed", { reason: messageOf(await response.json()) }));
  return response;
}
