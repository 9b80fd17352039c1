/**
 * For tests: records what a page requests, logs and stores. Code for the page is text, because this
 * package has no types of a browser.
 */

import type { Page } from 'playwright-core';

export interface PageEvidence {
  /**
   * The addresses of all requests, sockets and visits, with their origins and referrers; and the
   * console.
   */
  said(): readonly string[];
  /**
   * Everything stored now except in sessionStorage: storages, cookies, history, and what the page
   * shows.
   */
  kept(): Promise<string>;
  sessionStorage(): Promise<string>;
}

/** It is asynchronous, and stands last so that its value is the script's. */
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
    // Without the page's own visit: its address keeps the fragment, whatever the page's scripts do.
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
