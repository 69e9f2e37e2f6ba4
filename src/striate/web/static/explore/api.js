// Answers about the network and its images, and the arrays in them.

import { ask, follow } from "./server.js";

export { ask, follow };

const TYPES = { float64: Float64Array, float32: Float32Array, uint8: Uint8Array, int64: BigInt64Array, int32: Int32Array };
const KEPT = 200; // answers

const answers = new Map(); // path → promise

/** Return an answer that does not change: it is asked for once. Throw an Error with a message for people. */
export function get(path) {
  if (!answers.has(path)) {
    const answer = ask(path);
    answers.set(path, answer);
    answer.catch(() => answers.delete(path));
    if (answers.size > KEPT) answers.delete(answers.keys().next().value);
  }
  return answers.get(path);
}

/** Return an array of an answer as {shape, values}. Its data are base64, or the numbers themselves. */
export function array({ shape, dtype, data }) {
  if (typeof data !== "string") return { shape, values: data };
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  return { shape, values: new TYPES[dtype](bytes.buffer) };
}

export async function thumbnails(ids) {
  return ids.length ? get(`thumbnails?ids=${ids.join(",")}`) : {};
}
