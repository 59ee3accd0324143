// Searches in tables with the search of the browser: {page, tasks: [{settings, table, looks, maxLength}]} in, the
// hypotheses of each out. The step is that of tests/search/scripted.py.

import { readFileSync } from "node:fs";

const { page, tasks } = JSON.parse(readFileSync(0));
const { search } = await import(`${page}/search.js`);

const task = ({ settings, table, looks, maxLength }) => {
  const step = async (tokens, rows, count) => {
    const offered = { tokens: [], logits: [], end: [], total: [], state: [], attention: [] };
    tokens.forEach((token, row) => {
      const { before, scale } = rows[row];
      const logits = table[before][token].map((logit) => Math.fround(logit * scale));
      const places = logits.map((_, place) => place).sort((one, other) => logits[other] - logits[one] || one - other);
      offered.tokens.push(...places.slice(0, count));
      offered.logits.push(...places.slice(0, count).map((place) => logits[place]));
      offered.end.push(logits[2]);
      offered.total.push(Math.fround(Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0))));
      offered.state.push({ before: token, scale: scale + 0.125 });
      offered.attention.push(looks[before][token]);
    });
    return offered;
  };
  const take = (rows, places) => places.map((place) => rows[place]);
  return search(settings, step, [{ before: 0, scale: 1 }], take, maxLength);
};
process.stdout.write(JSON.stringify(await Promise.all(tasks.map(task))));
