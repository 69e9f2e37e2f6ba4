// An exported page: the network runs in the browser, also without a connection.

import { showModels, showNotLoaded, start, text } from "./view.js";

const WORKER = "worker.js";
const isSingle = Boolean(document.getElementById(WORKER)); // then elements with the names of the files hold them
const pending = new Map(); // {resolve, reject} by number of the message
let worker;
let fault; // why the worker cannot answer

async function read(name) {
  const inside = document.getElementById(name);
  if (inside) return Uint8Array.from(atob(inside.textContent), (letter) => letter.charCodeAt(0));
  const response = await fetch(name);
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

// Some servers mark compressed files so that the browser unpacks them.
async function unpack(bytes) {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function send(message, transferred) {
  return new Promise((resolve, reject) => {
    if (fault) throw fault;
    const id = pending.size ? Math.max(...pending.keys()) + 1 : 0;
    pending.set(id, { resolve, reject });
    worker.postMessage({ id, ...message }, transferred);
  });
}

function receive({ data: { id, answer, error } }) {
  const { resolve, reject } = pending.get(id);
  pending.delete(id);
  if (error === undefined) resolve(answer);
  else reject(new Error(error));
}

// End all waiting for a worker that cannot be loaded or has failed.
function stop(event) {
  fault = new Error(event.message ?? WORKER);
  for (const { reject } of pending.values()) reject(fault);
  pending.clear();
}

async function startWorker() {
  if (isSingle) { // browsers load no module worker into a page from the disk
    const script = new Blob([await read(WORKER)], { type: "text/javascript" });
    worker = new Worker(URL.createObjectURL(script));
  } else {
    worker = new Worker(new URL(WORKER, import.meta.url), { type: "module" });
  }
  worker.addEventListener("message", receive);
  worker.addEventListener("error", stop);
}

async function keepForOffline() {
  if (isSingle || !navigator.serviceWorker) return;
  await navigator.serviceWorker.register("sw.js");
  await navigator.serviceWorker.ready;
  document.getElementById("offline").hidden = false;
}

const predict = (image) => send({ image }, image instanceof Blob ? [] : [image]);
const settings = JSON.parse(new TextDecoder().decode(await read("page.json")));
start({ texts: settings.texts, predict, live: true });
const loading = document.getElementById("loading");
loading.hidden = false;
document.getElementById("use").hidden = false;
try {
  await startWorker();
  const [network, runtime] = await Promise.all(
    ["model.onnx.gzip", "runtime/ort-wasm-simd-threaded.wasm.gzip"].map((name) => read(name).then(unpack)),
  );
  await send({ settings, network, runtime }, [network.buffer, runtime.buffer]);
  showModels([settings]);
  await keepForOffline();
} catch (error) {
  showNotLoaded(error);
} finally {
  loading.hidden = true;
}
