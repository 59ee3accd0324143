// Cuts lines and joins ids with the reader of the browser: {page, models: [{model, lines, ids}]} in, one answer each out.

import { readFileSync } from "node:fs";

const { page, models } = JSON.parse(readFileSync(0));
const { Tokenizer } = await import(`${page}/sentencepiece.js`);
const answers = models.map(({ model, lines, ids }) => {
  const tokenizer = new Tokenizer(new Uint8Array(Buffer.from(model, "base64")));
  return { ids: lines.map((line) => tokenizer.encode(line)), texts: ids.map((each) => tokenizer.decode(each)) };
});
process.stdout.write(JSON.stringify(answers));
