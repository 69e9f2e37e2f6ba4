// Runs the network beside the page, which stays responsive. One message with the model, then one for each image.

import { InferenceSession, Tensor, env } from "../../runtime/ort.wasm.bundle.min.mjs";
import { describeOutputs } from "./outputs.js";
import { readPixels } from "./pixels.js";

const AS_STORED = { imageOrientation: "from-image", premultiplyAlpha: "none", colorSpaceConversion: "none" };
let model; // page.json
let session;

async function open({ settings, network, runtime }) {
  model = settings;
  env.wasm.wasmBinary = runtime;
  env.wasm.numThreads = 1; // more need headers that static hosts do not send
  session = await InferenceSession.create(network, { executionProviders: ["wasm"], graphOptimizationLevel: "all" });
}

// Return the answer for an image file or a frame of the camera.
async function predict(image) {
  let bitmap = image;
  if (image instanceof Blob) {
    try {
      bitmap = await createImageBitmap(image, AS_STORED);
    } catch {
      return { unreadable: true };
    }
  }
  const [rows, columns, channels] = model.input;
  const read = readPixels(bitmap, 2 * Math.max(rows, columns), channels);
  bitmap.close();
  if (!read) return { unreadable: true };
  const input = new Tensor("uint8", read.pixels, [1, read.height, read.width, channels]);
  const found = await session.run({ [session.inputNames[0]]: input });
  return describeOutputs(model, found[session.outputNames[0]].data, found.unknown && Boolean(found.unknown.data[0]));
}

let queue = Promise.resolve(); // one image at a time
self.addEventListener("message", ({ data: { id, image, ...opening } }) => {
  queue = queue
    .then(() => (image ? predict(image) : open(opening)))
    .then((answer) => self.postMessage({ id, answer }))
    .catch((error) => self.postMessage({ id, error: String(error.message ?? error) }));
});
