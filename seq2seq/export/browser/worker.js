// Translates beside the page, so that the page stays alive.
//
// Asked: {id, text, beamSize}. Told: {progress: 0 … 1}, {ready: settings, about}, {id, hypotheses, milliseconds},
// {id, failed: words}, {failed: words}. A question that a later one follows is left unanswered.

import { Translator } from "./translator.js";

let latest = 0;
const waiting = new MessageChannel();

/** Let messages in: a search leaves no gap of its own. */
function turn() {
  return new Promise((resolve) => {
    waiting.port1.onmessage = resolve;
    waiting.port2.postMessage(null);
  });
}

async function load() {
  const ort = await import("./ort.wasm.bundle.min.js");
  ort.env.wasm.numThreads = 1; // more need headers that a plain host does not send
  const sizes = await (await fetched("files.json")).json();
  const whole = Object.values(sizes).reduce((sum, size) => sum + size, 0);
  let read = 0;
  const bytes = async (name) => {
    const parts = [];
    const reader = (await fetched(name)).body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      parts.push(part.value);
      read += part.value.length;
      postMessage({ progress: Math.min(1, read / whole) });
    }
    return new Uint8Array(await new Blob(parts).arrayBuffer());
  };
  ort.env.wasm.wasmBinary = await bytes("ort-wasm-simd-threaded.wasm");
  return Translator.load(ort, bytes);
}

async function fetched(name) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${name} is missing (${response.status}): the folder has to be copied as a whole.`);
  return response;
}

const loading = load();
loading.then(
  ({ settings, about }) => postMessage({ ready: settings, about }),
  (error) => postMessage({ failed: String(error.message ?? error) }),
);

onmessage = async ({ data: { id, text, beamSize } }) => {
  latest = id;
  const translator = await loading;
  const stopped = async () => {
    await turn();
    return id !== latest;
  };
  if (await stopped()) return;
  const began = performance.now();
  try {
    const hypotheses = await translator.translate(text, { beamSize, nBest: beamSize }, stopped);
    if (hypotheses) postMessage({ id, hypotheses, milliseconds: performance.now() - began });
  } catch (error) {
    postMessage({ id, failed: String(error.message ?? error) });
  }
};
