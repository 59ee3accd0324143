// Greedy and beam search for one sentence: the algorithm of seq2seq/runtime/search.py, in the same 32-bit numbers.

import { END, PAD, START } from "./sentencepiece.js";

const IMPOSSIBLE = Math.fround(-1e30); // nats
const NEVER = 1 + Math.max(PAD, START, END); // the lowest ids: tokens that no hypothesis goes on with

const { fround } = Math;

/**
 * Search for the best target sequences.
 *
 * @param {{beamSize: number, nBest: number, lengthPenalty: number, minLength: number}} settings a beam of 1 is greedy
 * @param {function(number[], object, number): Promise<object>} step from the last token of each open hypothesis, the
 *   state and how many tokens are to be offered to {tokens, logits: count for each row, one row after the other;
 *   end, total: one for each row; state; attention: an array for each row, or nothing}
 * @param {object} state before the first step, of one row
 * @param {function(object, number[]): object} take picks rows of a state
 * @param {number} maxLength the most tokens of a hypothesis, </s> counted
 * @returns {Promise<object[]>} hypotheses, best first: tokens, score (nats), tokenScores, ended, attention
 */
export function search(settings, step, state, take, maxLength) {
  return (settings.beamSize === 1 ? greedy : beam)(settings, step, state, take, maxLength);
}

/** Log-probabilities, row by row: of the tokens that go on, and of the end. */
function candidates({ tokens, logits, end, total }) {
  const rows = end.length, width = tokens.length / rows;
  // Rounding may lift a certain token above 0; what is no number is impossible.
  const bounded = (logit, row) => {
    const value = fround(logit - total[row]);
    return Number.isNaN(value) ? IMPOSSIBLE : Math.min(Math.max(value, IMPOSSIBLE), 0);
  };
  const going = Array.from(tokens, (token, place) =>
    token < NEVER ? -Infinity : bounded(logits[place], Math.floor(place / width)));
  return { width, tokens, going, ends: Array.from(end, bounded) };
}

const power = (length, penalty) => fround(length ** fround(penalty));

const normalised = (value, divisor) => (value > IMPOSSIBLE / 2 ? fround(value / divisor) : value);

const told = (score) => (score > IMPOSSIBLE / 2 ? score : -Infinity);

/** Places of the `count` greatest, of equal ones the first. */
function greatest(values, count) {
  const places = values.map((_, place) => place);
  return places.sort((one, other) => (values[other] > values[one]) - (values[other] < values[one]) || one - other)
    .slice(0, count);
}

async function greedy({ minLength, lengthPenalty }, step, state, take, maxLength) {
  const tokens = [], scores = [], attention = [];
  let token = START, ended = false;
  for (let length = 1; ; length++) {
    const offered = await step([token], state, 1 + NEVER);
    const { tokens: next, going, ends } = candidates(offered);
    const [best] = greatest(going, 1);
    ended = (length > minLength || going[best] === -Infinity) && ends[0] >= going[best];
    const last = ended || length >= maxLength;
    token = last ? END : next[best];
    tokens.push(token);
    scores.push(last ? ends[0] : going[best]);
    if (offered.attention) attention.push(offered.attention[0]);
    if (last) break;
    state = take(offered.state, [0]);
  }
  const total = scores.reduce((sum, score) => fround(sum + score), 0);
  const score = told(normalised(total, power(tokens.length, lengthPenalty)));
  return [{ tokens, score, tokenScores: scores.map(told), ended, attention }];
}

async function beam({ beamSize, nBest, lengthPenalty, minLength }, step, state, take, maxLength) {
  let open = [{ total: 0, tokens: [], scores: [], attention: [] }];
  let finished = [];
  state = take(state, [0]);
  for (let length = 1; ; length++) {
    const offered = await step(open.map(({ tokens }) => tokens.at(-1) ?? START), state, beamSize + NEVER);
    const { width, tokens, going, ends } = candidates(offered);
    const looked = (row) => [...open[row].attention, ...(offered.attention ? [offered.attention[row]] : [])];
    const rowOf = (place) => Math.floor(place / width);
    const last = length >= maxLength;

    // The best that go on.
    const totals = going.map((value, place) => fround(open[rowOf(place)].total + value));
    const places = greatest(totals, beamSize);
    const ending = open.map(({ total }, row) => fround(total + ends[row]));

    // An end is good enough if fewer than beamSize candidates are better. At the last token every one is.
    const bar = [...ending, ...places.map((place) => totals[place])].sort((one, other) => other - one)[beamSize - 1];
    const must = totals[places[0]] === -Infinity;
    const divisor = power(length, lengthPenalty);
    ending.forEach((total, row) => {
      const ended = total >= (bar ?? -Infinity) && (length > minLength || must);
      if (total === -Infinity || !(ended || last)) return;
      finished.push({ score: normalised(total, divisor), ended, tokens: [...open[row].tokens, END],
        scores: [...open[row].scores, ends[row]], attention: looked(row) });
    });
    const kept = greatest(finished.map(({ score }) => score), beamSize);
    finished = kept.map((place) => finished[place]);

    // No open hypothesis can become better, or none is and the set is full.
    const best = last ? -Infinity : totals[places[0]];
    const worst = finished[nBest - 1]?.score ?? -Infinity;
    const full = finished.length === beamSize;
    if (fround(best / power(maxLength, lengthPenalty)) <= worst || (full && fround(best / divisor) <= worst)) break;

    const alive = places.filter((place) => totals[place] > -Infinity);
    open = alive.map((place) => {
      const row = rowOf(place);
      return { total: totals[place], tokens: [...open[row].tokens, tokens[place]],
        scores: [...open[row].scores, going[place]], attention: looked(row) };
    });
    state = take(offered.state, alive.map(rowOf));
  }
  return finished.slice(0, nBest).map(({ score, scores, ...rest }) =>
    ({ ...rest, score: told(score), tokenScores: scores.map(told) }));
}
