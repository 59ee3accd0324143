// Text in, text out: the two graphs of an exported model, its vocabularies, and the search around them.

import { search } from "./search.js";
import { END, Tokenizer } from "./sentencepiece.js";

const NEXT = ".next"; // behind the name of a part of the state: what it is after the step
const LONGEST = 1000; // source tokens; a longer text is cut into parts

export class Translator {
  /**
   * @param {object} ort onnxruntime-web
   * @param {function(string): Promise<Uint8Array>} read gives the bytes of a file of the folder
   */
  static async load(ort, read) {
    const about = JSON.parse(new TextDecoder().decode(await read("translator.json")));
    const files = ["encoder.onnx", "step.onnx", "source.model", ...(about.joint ? [] : ["target.model"])];
    const whole = async (name) => proved(name, await read(name), about.checksums[name]);
    const [encoder, step, source, target] = await Promise.all(files.map(whole));
    const sessions = [];
    for (const graph of [encoder, step]) sessions.push(await ort.InferenceSession.create(graph, { logSeverityLevel: 3 }));
    const from = new Tokenizer(source);
    return new Translator(ort, about, sessions, from, about.joint ? from : new Tokenizer(target));
  }

  constructor(ort, about, [encoder, step], source, target) {
    Object.assign(this, { ort, about, encoder, step, source, target });
    const { search } = about.decoding;
    const several = search.kind === "beam";
    /** What is searched with where nothing else is said. */
    this.settings = {
      beamSize: several ? search.beam_size : 1,
      nBest: several ? search.n_best : 1,
      lengthPenalty: search.length_penalty,
      minLength: search.min_length,
    };
  }

  /**
   * Translate one text.
   *
   * @param {string} text
   * @param {object} changes to the settings
   * @param {function(): Promise<boolean>} stopped is asked before each step: whether nobody waits any more
   * @returns {Promise<object[] | null>} hypotheses, best first: text, score (nats), ended, sourcePieces, pieces, scores
   *   (nats, of each piece), attention (for each piece the weight of each source piece; empty without attention); null
   *   where it was stopped
   */
  async translate(text, changes, stopped) {
    const settings = { ...this.settings, ...changes };
    const ids = this.source.encode(text);
    const longest = Math.max(LONGEST, this.about.max_source_length ?? 0);
    const parts = [];
    for (let start = 0; start < ids.length; start += longest) {
      const part = await this.part([...ids.slice(start, start + longest), END], settings, stopped);
      if (!part) return null;
      parts.push(part);
    }
    const ranks = Math.min(...parts.map((part) => part.length));
    return parts.length ? Array.from({ length: ranks }, (_, rank) => joined(parts.map((part) => part[rank]))) : [];
  }

  async part(ids, settings, stopped) {
    const { Tensor } = this.ort;
    const source = new Tensor("int64", BigInt64Array.from(ids, BigInt), [1, ids.length]);
    const { state: stateNames, memory: memoryNames } = this.about;
    const read = await this.encoder.run({ source });
    const memory = Object.fromEntries(memoryNames.map((name) => [name, read[name]]));
    const begin = Object.fromEntries(stateNames.map((name) => [name, read[name]]));
    const looks = memoryNames.length > 0;
    const wanted = ["places", "best", "end", "total", ...stateNames.map((name) => name + NEXT)];
    if (looks) wanted.push("attention");
    const vocabulary = this.target.size;

    const step = async (tokens, state, count) => {
      if (await stopped()) throw STOPPED;
      const found = await this.step.run({
        tokens: new Tensor("int64", BigInt64Array.from(tokens, BigInt), [tokens.length]),
        count: new Tensor("int64", BigInt64Array.of(BigInt(Math.min(count, vocabulary))), [1]),
        ...state, ...memory,
      }, wanted);
      return {
        tokens: Array.from(found.places.data, Number),
        logits: found.best.data, end: found.end.data, total: found.total.data,
        state: Object.fromEntries(stateNames.map((name) => [name, found[name + NEXT]])),
        attention: looks ? rowsOf(found.attention) : null,
      };
    };
    const take = (state, rows) =>
      Object.fromEntries(Object.entries(state).map(([name, tensor]) => [name, taken(Tensor, tensor, rows)]));

    try {
      const found = await search(settings, step, begin, take, this.maxLength(ids.length));
      return found.map(({ tokens, score, tokenScores, ended, attention }) => ({
        text: this.target.decode(tokens), score, ended,
        sourcePieces: ids.map((id) => this.source.piece(id)), pieces: tokens.map((id) => this.target.piece(id)),
        scores: tokenScores, attention,
      }));
    } catch (reason) {
      if (reason === STOPPED) return null;
      throw reason;
    }
  }

  /** The most tokens of a translation, </s> counted, given those of its source. */
  maxLength(sourceLength) {
    const factor = this.about.decoding.search.max_length_factor;
    const lines = factor === "learnt" ? this.about.length_limit.lines : [[factor, 10]];
    return Math.max(...lines.map(([slope, number]) => Math.ceil(slope * (sourceLength - 1)) + number));
  }
}

const STOPPED = Symbol("stopped");

/** Give bytes back whose checksum is the right one; without https a browser may have none to compare with. */
async function proved(name, bytes, checksum) {
  const digest = await globalThis.crypto?.subtle?.digest("SHA-256", bytes);
  const found = digest && Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (digest && found !== checksum) throw new Error(`${name} is damaged: copy the folder again, or export anew.`);
  return bytes;
}

function rowsOf({ data, dims: [rows, width] }) {
  return Array.from({ length: rows }, (_, row) => data.slice(row * width, (row + 1) * width));
}

function taken(Tensor, { data, dims: [, width] }, rows) {
  const picked = new Float32Array(rows.length * width);
  rows.forEach((row, place) => picked.set(data.subarray(row * width, (row + 1) * width), place * width));
  return new Tensor("float32", picked, [rows.length, width]);
}

/** The parts of one text as one. */
function joined(parts) {
  if (parts.length === 1) return parts[0];
  const width = parts.reduce((sum, { sourcePieces }) => sum + sourcePieces.length, 0);
  let left = 0;
  const attention = parts.flatMap((part) => {
    const rows = part.attention.map((row) => {
      const whole = new Float32Array(width);
      whole.set(row, left);
      return whole;
    });
    left += part.sourcePieces.length;
    return rows;
  });
  return {
    text: parts.map(({ text }) => text).join(" "),
    score: parts.reduce((sum, { score }) => sum + score, 0) / parts.length,
    ended: parts.every(({ ended }) => ended),
    sourcePieces: parts.flatMap(({ sourcePieces }) => sourcePieces),
    pieces: parts.flatMap(({ pieces }) => pieces),
    scores: parts.flatMap(({ scores }) => scores),
    attention,
  };
}
