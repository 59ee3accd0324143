// A reader of SentencePiece models: text to ids and back, as the library does it (unigram, BPE, word, char).
// The ids are those of seq2seq: <pad> 0, <s> 1, </s> 2, <unk> 3, then all other pieces in order.

export const PAD = 0, START = 1, END = 2, UNKNOWN = 3;

const SPACE = "▁";
const KIND = { unigram: 1, bpe: 2, word: 3, char: 4 };
const TYPE = { normal: 1, unknown: 2, control: 3, own: 4, unused: 5, byte: 6 };
const UNKNOWN_PENALTY = 10; // below the least score of a piece: what a character without a piece costs
const LEAST = 1.1754943508222875e-38; // where the library starts to look for the greatest score

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

export class Tokenizer {
  /** @param {Uint8Array} model the bytes of a SentencePiece model file */
  constructor(model) {
    const { pieces, trainer, normalizer } = read(model);
    Object.assign(this, { pieces, trainer, normalizer });
    this.known = new Map(); // what text is cut into
    this.reserved = new Map();
    pieces.forEach(({ piece, type }, id) => {
      const cut = type === TYPE.normal || type === TYPE.own || type === TYPE.unused;
      (cut ? this.known : this.reserved).set(piece, id);
    });
    this.unknown = pieces.findIndex(({ type }) => type === TYPE.unknown);
    this.own = pieces.filter(({ type }) => type === TYPE.own).map(({ piece }) => piece);
    this.own.sort((one, other) => other.length - one.length); // the longest that fits is taken
    this.longest = Math.max(1, ...pieces.map(({ piece }) => [...piece].length));
    const scores = pieces.filter(({ type }) => type === TYPE.normal).map(({ score }) => score);
    this.unknownScore = Math.fround(scores.reduce((least, score) => Math.min(least, score), Infinity) - UNKNOWN_PENALTY);
    this.greatest = scores.reduce((greatest, score) => Math.max(greatest, score), LEAST);
    this.number();
  }

  /** Tell the ids of the file from ours. */
  number() {
    const special = [this.trainer.pad, this.trainer.start, this.trainer.end].map((piece) => {
      const id = this.reserved.get(piece);
      return id !== undefined && this.pieces[id].type === TYPE.control ? id : -1;
    });
    special.push(this.unknown);
    const others = this.pieces.map((_, id) => id).filter((id) => !special.includes(id));
    this.toTheirs = [...special, ...others];
    this.toOurs = new Map(this.toTheirs.map((theirs, ours) => [theirs, ours]));
  }

  get size() {
    return this.toTheirs.length;
  }

  /** The ids of a text. */
  encode(text) {
    const normal = this.normalize(text);
    const kinds = { [KIND.unigram]: "unigram", [KIND.bpe]: "bpe", [KIND.word]: "words", [KIND.char]: "characters" };
    const ids = [];
    let before = false;
    for (const [piece, id] of normal ? this[kinds[this.trainer.kind]](normal) : []) {
      const unknown = id === this.unknown;
      if (unknown && this.trainer.bytes) {
        for (const byte of encoder.encode(piece)) ids.push(this.reserved.get(byteName(byte)));
      } else if (!(unknown && before)) {
        ids.push(id); // a run of unknown pieces is one
      }
      before = unknown;
    }
    return ids.map((id) => this.toOurs.get(id));
  }

  /** The text of ids, up to the first </s>. */
  decode(ids) {
    const end = ids.indexOf(END);
    const kept = (end < 0 ? ids : ids.slice(0, end)).filter((id) => id !== PAD && id !== START);
    const { dummyPrefix, fewSpaces } = this.normalizer;
    let text = "", bytes = [], first = true, begun = false, unwritten = null;
    const spell = () => {
      text += spelt(bytes);
      bytes = [];
    };
    for (const id of kept.map((id) => this.toTheirs[id])) {
      let { piece, type } = this.pieces[id];
      unwritten ??= type === TYPE.byte || type === TYPE.unknown;
      if (type === TYPE.byte) {
        bytes.push(parseInt(piece.slice(3, 5), 16));
        continue;
      }
      spell();
      if (begun || text) first = false;
      begun = false;
      if (type === TYPE.control) continue;
      if (type === TYPE.unknown) {
        text += this.trainer.unknownSurface;
        continue;
      }
      if (first && (dummyPrefix || fewSpaces) && piece.startsWith(SPACE)) {
        piece = piece.slice(SPACE.length);
        begun = !fewSpaces;
      }
      text += piece;
    }
    spell();
    text = text.replaceAll(SPACE, " ");
    // The space before a first word that is no piece, which SentencePiece leaves: see `Tokenizer.decode`.
    return unwritten && this.trainer.kind === KIND.word && text.startsWith(" ") ? text.slice(1) : text;
  }

  /** The piece of one of our ids. */
  piece(id) {
    return ["<pad>", "<s>", "</s>", "<unk>"][id] ?? this.pieces[this.toTheirs[id]].piece;
  }

  // --- normalization ---------------------------------------------------------------------------------------------

  normalize(text) {
    const { dummyPrefix, fewSpaces, escapes } = this.normalizer;
    const space = escapes ? SPACE : " ";
    const whole = decoder.decode(encoder.encode(text)); // half a surrogate pair is read as U+FFFD
    const parts = [];
    for (let place = 0; place < whole.length; ) {
      const [part, length] = this.prefix(whole, place);
      parts.push(part);
      place += length;
    }
    const begin = fewSpaces ? parts.findIndex((part) => part !== " ") : 0;
    if (begin < 0 || !parts.length) return "";
    let normal = dummyPrefix && !this.trainer.suffix ? space : "", spaced = fewSpaces;
    for (let part of parts.slice(begin)) {
      if (spaced) part = part.replace(/^ +/, "");
      if (part) spaced = fewSpaces && part.endsWith(" ");
      normal += escapes ? part.replaceAll(" ", SPACE) : part;
    }
    if (fewSpaces) while (normal.endsWith(space)) normal = normal.slice(0, -space.length);
    return dummyPrefix && this.trainer.suffix ? normal + space : normal;
  }

  /** What stands for the beginning of a text, and how much of it. */
  prefix(text, place) {
    const own = this.own.find((piece) => text.startsWith(piece, place));
    if (own !== undefined) return [own, own.length];
    const { rules, results } = this.normalizer;
    const first = String.fromCodePoint(text.codePointAt(place));
    if (!rules) return [first, first.length];
    // The rules are a double array: units with a label, an offset to their children, and a leaf with their value.
    let node = offset(rules[0]), found = -1, length = first.length, end = place;
    walk: while (end < text.length) {
      const character = String.fromCodePoint(text.codePointAt(end));
      for (const byte of encoder.encode(character)) {
        node ^= byte;
        const unit = rules[node];
        if (unit === undefined || (unit & 0x800000ff) !== byte) break walk;
        node ^= offset(unit);
        if ((unit >>> 8) & 1) {
          found = rules[node] & 0x7fffffff;
          length = end + character.length - place;
        }
      }
      end += character.length;
    }
    if (found < 0) return [first, first.length];
    return [decoder.decode(results.subarray(found, results.indexOf(0, found))), length];
  }

  // --- cutting: [piece, id] each ---------------------------------------------------------------------------------

  /** The most probable way (Viterbi). */
  unigram(text) {
    const starts = placesOf(text);
    const count = starts.length - 1;
    const best = new Float32Array(count + 1), from = new Int32Array(count + 1).fill(-1), ids = new Int32Array(count + 1);
    const offer = (start, end, score, id) => {
      if (from[end] < 0 || score > best[end]) [best[end], from[end], ids[end]] = [score, start, id];
    };
    for (let start = 0; start < count; start++) {
      let single = false;
      for (let end = start + 1; end <= Math.min(count, start + this.longest); end++) {
        const id = this.known.get(text.slice(starts[start], starts[end]));
        if (id === undefined || this.pieces[id].type === TYPE.unused) continue;
        const { type, score, piece } = this.pieces[id];
        const value = type === TYPE.own ? encoder.encode(piece).length * this.greatest - 0.1 : score;
        offer(start, end, Math.fround(value + best[start]), id);
        single ||= end === start + 1;
      }
      if (!single) offer(start, start + 1, Math.fround(this.unknownScore + best[start]), this.unknown);
    }
    const found = [];
    for (let end = count; end > 0; end = from[end]) found.push([text.slice(starts[from[end]], starts[end]), ids[end]]);
    return found.reverse();
  }

  /** Pairs joined, the one with the best score first, of equal ones the left one. */
  bpe(text) {
    const parts = this.cut(text).map(([piece, own], place) => ({ piece, own, before: place - 1, after: place + 1 }));
    const agenda = new Heap((one, other) => other.score - one.score || one.left - other.left);
    const halves = new Map(); // of pieces that text is not cut into
    const offer = (left, right) => {
      const [one, other] = [parts[left], parts[right]];
      if (!one || !other || one.own || other.own) return;
      const piece = one.piece + other.piece;
      const id = this.known.get(piece);
      if (id === undefined) return;
      agenda.push({ left, right, piece, score: this.pieces[id].score });
      if (this.pieces[id].type === TYPE.unused) halves.set(piece, [one.piece, other.piece]);
    };
    for (let place = 1; place < parts.length; place++) offer(place - 1, place);
    for (let top = agenda.pop(); top; top = agenda.pop()) {
      const [one, other] = [parts[top.left], parts[top.right]];
      if (!one.piece || !other.piece || one.piece.length + other.piece.length !== top.piece.length) continue;
      one.piece = top.piece;
      other.piece = "";
      one.after = other.after;
      if (parts[other.after]) parts[other.after].before = top.left;
      offer(one.before, top.left);
      offer(top.left, one.after);
    }
    const whole = (piece) => {
      const id = this.idOf(piece);
      const unused = this.pieces[id].type === TYPE.unused && halves.has(piece);
      return unused ? halves.get(piece).flatMap(whole) : [[piece, id]];
    };
    return parts.flatMap(({ piece }) => (piece ? whole(piece) : []));
  }

  /** Each from a space to the next, whichever side training put spaces on. */
  words(text) {
    return text.split(new RegExp(`(?=${SPACE})`, "u")).map((piece) => [piece, this.idOf(piece)]);
  }

  characters(text) {
    return this.cut(text).map(([piece]) => [piece, this.idOf(piece)]);
  }

  /** Characters, and symbols that are never cut. */
  cut(text) {
    const found = [];
    for (let place = 0; place < text.length; ) {
      const own = this.own.find((piece) => text.startsWith(piece, place));
      const piece = own ?? String.fromCodePoint(text.codePointAt(place));
      found.push([piece, own !== undefined]);
      place += piece.length;
    }
    return found;
  }

  idOf(piece) {
    return this.known.get(piece) ?? this.unknown;
  }
}

const offset = (unit) => (unit >>> 10) << ((unit & 0x200) >>> 6);

const byteName = (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;

/** Where the characters of a text begin, and its end. */
function placesOf(text) {
  const places = [0];
  for (const character of text) places.push(places[places.length - 1] + character.length);
  return places;
}

/** Bytes as text; each that belongs to no character as U+FFFD. */
function spelt(bytes) {
  let text = "";
  for (let place = 0; place < bytes.length; ) {
    const lead = bytes[place];
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    try {
      text += strict.decode(Uint8Array.from(bytes.slice(place, place + length)));
      place += length;
    } catch {
      text += "\ufffd";
      place += 1;
    }
  }
  return text;
}

/** What comes out first is what `compare` puts first. */
class Heap {
  constructor(compare) {
    this.compare = compare;
    this.items = [];
  }

  push(item) {
    const { items } = this;
    let place = items.push(item) - 1;
    for (let up; place && this.compare(item, items[(up = (place - 1) >> 1)]) < 0; place = up) items[place] = items[up];
    items[place] = item;
  }

  pop() {
    const { items } = this;
    const [first] = items;
    const last = items.pop();
    if (!items.length) return first;
    let place = 0;
    for (let down = 1; down < items.length; down = 2 * place + 1) {
      if (down + 1 < items.length && this.compare(items[down + 1], items[down]) < 0) down++;
      if (this.compare(last, items[down]) <= 0) break;
      items[place] = items[down];
      place = down;
    }
    items[place] = last;
    return first;
  }
}

// --- the file: protocol buffers ------------------------------------------------------------------------------------

function read(model) {
  const trainer = { kind: KIND.unigram, suffix: false, bytes: false, unknownSurface: " \u2047 ",
    start: "<s>", end: "</s>", pad: "<pad>" };
  const normalizer = { dummyPrefix: true, fewSpaces: true, escapes: true };
  const pieces = [];
  for (const [field, value] of fields(model)) {
    if (field === 1) {
      const piece = { piece: "", score: 0, type: TYPE.normal };
      fill(piece, value, { 1: ["piece", text], 2: ["score", Number], 3: ["type", Number] });
      pieces.push(piece);
    } else if (field === 2) {
      fill(trainer, value, { 3: ["kind", Number], 24: ["suffix", Boolean], 35: ["bytes", Boolean],
        44: ["unknownSurface", text], 46: ["start", text], 47: ["end", text], 48: ["pad", text] });
    } else if (field === 3) {
      fill(normalizer, value, { 2: ["map", (map) => map], 3: ["dummyPrefix", Boolean], 4: ["fewSpaces", Boolean],
        5: ["escapes", Boolean] });
    }
  }
  if (normalizer.map?.length) {
    const size = new DataView(normalizer.map.buffer, normalizer.map.byteOffset).getUint32(0, true);
    normalizer.rules = new Uint32Array(normalizer.map.slice(4, 4 + size).buffer);
    normalizer.results = normalizer.map.subarray(4 + size);
  }
  return { pieces, trainer, normalizer };
}

const text = (bytes) => decoder.decode(bytes);

function fill(target, bytes, names) {
  for (const [field, value] of fields(bytes)) {
    if (!(field in names)) continue;
    const [name, kind] = names[field];
    target[name] = kind(value);
  }
}

function* fields(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let place = 0;
  const number = () => {
    let value = 0, scale = 1, byte;
    do {
      byte = bytes[place++];
      value += (byte & 127) * scale;
      scale *= 128;
    } while (byte > 127);
    return value;
  };
  while (place < bytes.length) {
    const tag = number();
    const field = Math.floor(tag / 8), wire = tag % 8;
    if (wire === 0) yield [field, number()];
    else if (wire === 1) place += 8;
    else if (wire === 2) {
      const length = number();
      yield [field, bytes.subarray(place, (place += length))];
    } else {
      yield [field, view.getFloat32(place, true)];
      place += 4;
    }
  }
}
