// Keeps the files of this page, so that it comes without a network.

const EDITION = "EDITION"; // of these files: every export has its own
const OURS = `seq2seq ${registration.scope} `;

self.addEventListener("install", (event) => event.waitUntil((async () => {
  // Past the cache of the browser, which may hold files of the edition before.
  const anew = (name) => new Request(name, { cache: "reload" });
  const files = await (await fetch(anew("files.json"))).json();
  await (await caches.open(OURS + EDITION)).addAll(["./", "files.json", ...Object.keys(files)].map(anew));
})()));

self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) {
    if (name.startsWith(OURS) && name !== OURS + EDITION) await caches.delete(name);
  }
})()));

self.addEventListener("fetch", (event) => event.respondWith((async () => {
  const kept = await caches.open(OURS + EDITION);
  return (await kept.match(event.request, { ignoreSearch: true })) ?? fetch(event.request);
})()));
