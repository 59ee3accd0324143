// Check every page of the built site with axe: light, dark, and as wide as a phone.
//
//     npm install --no-save --no-package-lock playwright-core axe-core
//     CHROMIUM=/usr/bin/chromium node docs/axe.mjs [FOLDER]
//
// Prints each serious or critical fault with the page and the place; the exit status is the number of them, at most 1.
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve, join } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(join(process.env.NODE_MODULES_OF ?? process.cwd(), "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const site = resolve(process.argv[2] ?? "docs/_build/html");
const pages = readdirSync(site, { recursive: true }).filter((name) => name.endsWith(".html")).sort();
const views = [["light", 1280], ["dark", 1280], ["light", 390], ["dark", 390]];

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
let faults = 0;
for (const [colorScheme, width] of views) {
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
  context.setDefaultTimeout(300_000); // a machine with much else to do
  const page = await context.newPage();
  for (const name of pages) {
    await page.goto(pathToFileURL(join(site, name)).href);
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => axe.run());
    for (const { id, impact, nodes } of violations) {
      if (impact !== "serious" && impact !== "critical") continue;
      faults += nodes.length;
      console.log(`${name} ${colorScheme} ${width}: ${impact} ${id}, ${nodes.length} times, first ${nodes[0].html.slice(0, 160)}`);
    }
  }
  await context.close();
  console.error(`${colorScheme} ${width}: ${pages.length} pages`);
}
await browser.close();
console.log(`${pages.length} pages, ${views.length} views: ${faults} serious faults`);
process.exit(faults ? 1 : 0);
