// Keeps the files of an exported page, so that it works without a connection. FILES and VERSION are filled in by the
// export; another version replaces all files at once, when no window shows the old ones.

const FILES = [];
const VERSION = "";
const PREFIX = `striate ${self.registration.scope} `; // other pages of this host have their own
const CACHE = PREFIX + VERSION;

self.addEventListener("install", (event) => {
  const files = FILES.map((name) => new Request(name, { cache: "no-cache" })); // none from an older version
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(files)));
});

self.addEventListener("activate", (event) => {
  const clean = async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((n) => n.startsWith(PREFIX) && n !== CACHE).map((n) => caches.delete(n)));
    await self.clients.claim();
  };
  event.waitUntil(clean());
});

self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET") return;
  const find = async () => {
    const cache = await caches.open(CACHE);
    return (await cache.match(event.request, { ignoreSearch: true })) ?? fetch(event.request);
  };
  event.respondWith(find());
});
