// Asks the server, beside the page: the same questions and answers as the worker that translates in a browser.
//
// Asked: {id, text, beamSize}. Told: {ready: settings}, {id, hypotheses, milliseconds}, {id, failed: words},
// {failed: words}. A question that a later one follows is taken back, and leaves the server's queue.

const [source, target] = location.pathname.split("/").slice(-3, -1).map(decodeURIComponent);
const server = new URL("../../../v1/", location);
let asking = new AbortController();
let ownSize = 0; // of the beam that the page begins with

async function asked(address, options) {
  const response = await fetch(new URL(address, server), options);
  const told = await response.json().catch(() => ({ error: `The server answered ${response.status}.` }));
  if (!response.ok) throw new Error(told.error);
  return told;
}

/** What the page shows of a translation. */
function shown({ text, score, ended, tokens, attention }, sourcePieces) {
  return {
    text, ended, sourcePieces, attention: attention ?? [], score: score ?? -Infinity,
    pieces: tokens.map(({ piece }) => piece),
    scores: tokens.map(({ log_probability }) => log_probability ?? -Infinity),
  };
}

onmessage = async ({ data: { id, text, beamSize } }) => {
  asking.abort();
  asking = new AbortController();
  const began = performance.now();
  try {
    // A beam that nobody chose is the model's own, which may have to be wider than a page may ask for.
    const beam = beamSize === ownSize ? {} : { beam_size: beamSize };
    const body = JSON.stringify({ texts: [text], source, target, ...beam, n_best: beamSize, attention: true });
    const headers = { "Content-Type": "application/json" };
    const { translations: [best] } = await asked("translate", { method: "POST", headers, body, signal: asking.signal });
    const sourcePieces = best.source_tokens.map(({ piece }) => piece);
    const hypotheses = [best, ...best.others].map((one) => shown(one, sourcePieces));
    postMessage({ id, hypotheses, milliseconds: performance.now() - began });
  } catch (error) {
    if (error.name !== "AbortError") postMessage({ id, failed: String(error.message ?? error) });
  }
};

asked("models").then(
  ({ models, max_beam: mostBeam }) => {
    const { beam_size: own } = models.find((one) => one.source === source && one.target === target);
    ownSize = Math.min(own, mostBeam);
    postMessage({ ready: { beamSize: ownSize, mostBeam } });
  },
  (error) => postMessage({ failed: String(error.message ?? error) }),
);
