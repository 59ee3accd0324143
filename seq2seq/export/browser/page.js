// The page: each line is asked of the worker when it is new, and the line at the cursor is shown in detail.

const BEAMS = [1, 2, 3, 5, 8, 10];
const DOUBTFUL = 0.5; // pieces below this probability are underlined
const MOST_PIECES = 60; // of an attention that is drawn
const KEPT = 500; // answers to lines that are no longer there

const at = (id) => document.getElementById(id);
const source = at("source"), translation = at("translation"), state = at("state"), beam = at("beam");

const worker = new Worker("worker.js", { type: "module" });
const found = new Map(); // what was found of a line, by beam and text
let ready = false, asked = null, number = 0, shown = null;

const keyOf = (text) => `${beam.value} ${text}`;
const linesOf = () => source.value.split("\n");
const isBlank = (text) => !text.trim();

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// --- asking ----------------------------------------------------------------------------------------------------------

/** Ask for the line at the cursor, or the first that is new; a question that is no longer of use is dropped. */
function ask() {
  if (!ready) return;
  const lines = linesOf();
  const isNew = (text) => !isBlank(text) && !found.has(keyOf(text));
  const current = lines[lineAtCursor()];
  const next = isNew(current) ? current : lines.find(isNew);
  const key = next === undefined ? null : keyOf(next);
  translation.ariaBusy = String(key !== null);
  if (asked?.key === key) return;
  asked = key && { key, id: ++number };
  if (asked) worker.postMessage({ id: asked.id, text: next, beamSize: Number(beam.value) });
}

worker.onerror = () => fail("The worker could not be started.");

worker.onmessage = ({ data }) => {
  if (data.progress !== undefined) {
    at("progress").value = data.progress;
  } else if (data.ready) {
    begin(data);
  } else if (data.id === undefined) {
    fail(data.failed);
  } else if (data.id === asked?.id) {
    found.set(asked.key, data);
    forget();
    asked = null;
    show();
    ask();
  }
};

/** Ask again for what failed: the server may have been full, or the network away. */
function retry() {
  for (const [key, answer] of found) if (answer.failed) found.delete(key);
  ask();
}

/** Keep what is seen, and a little more. */
function forget() {
  const seen = new Set(linesOf().map(keyOf));
  if (found.size > 2 * seen.size + KEPT) for (const key of found.keys()) if (!seen.has(key)) found.delete(key);
}

function fail(why) {
  at("progress").hidden = true;
  translation.ariaBusy = "false";
  state.textContent = `The model could not be loaded. ${why}`;
}

function begin({ ready: settings }) {
  ready = true;
  at("progress").hidden = true;
  state.textContent = "Ready. Type, and the translation follows.";
  const offered = BEAMS.filter((size) => size <= (settings.mostBeam ?? size));
  for (const size of [...new Set([...offered, settings.beamSize])].sort((one, other) => one - other)) {
    beam.append(element("option", { value: size, textContent: size === 1 ? "greedy" : `beam ${size}` }));
  }
  beam.value = settings.beamSize;
  show();
  ask();
  // Where a browser allows it: over https, or from this machine.
  navigator.serviceWorker?.register("offline.js").catch(() => {});
}

// --- showing ---------------------------------------------------------------------------------------------------------

const lineAtCursor = () => source.value.slice(0, source.selectionStart).split("\n").length - 1;

function show() {
  const lines = linesOf(), current = lineAtCursor();
  while (translation.children.length > lines.length) translation.lastChild.remove();
  while (translation.children.length < lines.length) translation.append(element("li", { dir: "auto" }));
  lines.forEach((text, place) => {
    const item = translation.children[place], answer = found.get(keyOf(text));
    const told = isBlank(text) ? "" : answer?.failed ?? (answer && (answer.hypotheses[0]?.text ?? ""));
    if (told !== undefined && item.textContent !== told) item.textContent = told;
    item.className = told === undefined ? "old" : answer?.failed ? "failed" : "";
    item.classList.toggle("chosen", lines.length > 1 && place === current);
  });
  detail(lines[current]);
}

function detail(text) {
  const answer = isBlank(text) ? null : found.get(keyOf(text));
  const details = at("details");
  details.classList.toggle("old", !answer);
  details.hidden = isBlank(text) || (answer ? !answer.hypotheses?.length : !shown);
  if (!answer?.hypotheses?.length || shown === answer) return; // what is there stays until something is known
  shown = answer;
  const pieces = answer.hypotheses[0].pieces.length;
  state.textContent = `${answer.milliseconds.toFixed(0)} ms for ${pieces} pieces.`;
  at("hypotheses").replaceChildren(...answer.hypotheses.map((one, place) => {
    const choice = element("input", { type: "radio", name: "hypothesis", checked: place === 0 });
    choice.onchange = () => choose(place);
    const end = one.ended ? "" : " (cut at the greatest length)";
    return element("label", {}, choice, element("span", { dir: "auto", textContent: (one.text || "(nothing)") + end }),
      element("span", { className: "score", textContent: one.score.toFixed(3) }));
  }));
  choose(0);
}

function choose(rank) {
  const one = shown.hypotheses[rank];
  at("pieces").dir = "auto";
  at("pieces").replaceChildren(...one.pieces.flatMap((piece, place) => {
    const sure = Math.exp(one.scores[place]);
    const percent = `${(100 * sure).toFixed(0)} %`;
    const shade = element("span", { textContent: spelt(piece), title: percent });
    shade.style.setProperty("--sure", sure.toFixed(3));
    shade.classList.toggle("doubtful", sure < DOUBTFUL);
    if (sure < DOUBTFUL) shade.append(element("span", { className: "unseen", textContent: ` (${percent})` }));
    return piece.startsWith("▁") && place ? [" ", shade] : [shade];
  }));
  at("attention").hidden = !one.attention.length;
  at("cut").hidden = Math.max(one.pieces.length, one.sourcePieces.length) <= MOST_PIECES;
  at("cut").textContent = ` (the first ${MOST_PIECES} of each)`;
  if (one.attention.length) at("attention").querySelector("div").replaceChildren(attention(one));
}

const spelt = (piece) => piece.replaceAll("▁", " ").trim() || (piece === "▁" ? "␣" : piece);

/** A table whose cells are shaded, so that it is read out as well as seen. */
function attention({ sourcePieces, pieces, attention }) {
  const read = sourcePieces.slice(0, MOST_PIECES), written = pieces.slice(0, MOST_PIECES);
  const head = read.map((piece) => element("th", { scope: "col" }, element("span", { textContent: spelt(piece) })));
  const rows = written.map((piece, place) => element("tr", {},
    element("th", { scope: "row", textContent: spelt(piece) }),
    ...read.map((other, column) => {
      const weight = attention[place][column], percent = `${(100 * weight).toFixed(0)} %`;
      const cell = element("td", { title: `${spelt(piece)} ← ${spelt(other)}: ${percent}` },
        element("span", { textContent: percent }));
      cell.style.setProperty("--weight", weight.toFixed(3));
      return cell;
    })));
  const table = element("table", {},
    element("thead", {}, element("tr", {}, element("td"), ...head)), element("tbody", {}, ...rows));
  table.setAttribute("aria-labelledby", "attention-name");
  return table;
}

// --- beginning -------------------------------------------------------------------------------------------------------

state.textContent = "Loading the model …";
source.value = new URLSearchParams(location.hash.slice(1)).get("text") ?? source.value; // an address may bring its text
at("progress").hidden = false;
source.addEventListener("input", () => { show(); retry(); });
document.addEventListener("selectionchange", () => { if (document.activeElement === source) { show(); ask(); } });
beam.addEventListener("change", () => { show(); retry(); });
