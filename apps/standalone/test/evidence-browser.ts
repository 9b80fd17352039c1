/** For tests: what a page asks for, says and keeps. What runs in it is text, for nothing else of this package knows a browser's types. */

import type { Page } from 'playwright-core';

export interface PageEvidence {
  /** Addresses of all requests, sockets and visits, with what was sent along as their origin, and the console. */
  said(): readonly string[];
  /** Everything kept now but sessionStorage: storages, cookies, history, what the page shows. */
  kept(): Promise<string>;
  sessionStorage(): Promise<string>;
}

/** Asynchronous, and last so that its value is the script's. */
const READ_ALL = `(async () => {
  const databases = {};
  for (const { name } of await indexedDB.databases()) {
    const database = await new Promise((resolve) => (indexedDB.open(name).onsuccess = ({ target }) => resolve(target.result)));
    for (const store of database.objectStoreNames) {
      const all = database.transaction(store).objectStore(store).getAll();
      databases[name + '/' + store] = await new Promise((resolve) => (all.onsuccess = () => resolve(all.result)));
    }
    database.close();
  }
  const cached = [];
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) cached.push(request.url, await (await cache.match(request)).text());
  }
  return JSON.stringify({
    address: location.href,
    title: document.title,
    referrer: document.referrer,
    name: window.name,
    cookie: document.cookie,
    localStorage: { ...localStorage },
    databases,
    cached,
    history: navigation.entries().map((entry) => [entry.url, entry.getState() ?? null]),
    state: history.state,
    // Without its own visit, whose address keeps the fragment for the page's own scripts, whatever they do.
    loaded: performance.getEntries().filter(({ entryType }) => entryType !== 'navigation').map(({ name }) => name),
    html: document.documentElement.getHTML({ serializableShadowRoots: true }),
  });
})()`;

export function watchPage(page: Page): PageEvidence {
  const said: string[] = [];
  page.on('request', (request) => said.push(`${request.method()} ${request.url()} ${request.headers()['referer'] ?? ''}`));
  page.on('websocket', (socket) => said.push(`socket ${socket.url()}`));
  page.on('console', (message) => said.push(`console ${message.text()}`));
  page.on('pageerror', (error) => said.push(`error ${String(error)}`));
  return {
    said: () => said,
    async kept() {
      const cookies = await page.context().cookies();
      return `${await page.evaluate<string>(READ_ALL)}\n${JSON.stringify(cookies)}`;
    },
    sessionStorage: () => page.evaluate<string>('JSON.stringify({ ...sessionStorage })'),
  };
}
