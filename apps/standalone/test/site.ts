/**
 * For end-to-end tests in Chromium: the site of somebody else, whose pages embed the login. It has
 * two names, and so is two sites.
 */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TestSite {
  readonly origin: string;
  /** The same server as another site. */
  readonly otherOrigin: string;
  /** Serves a page with this body. @returns its path */
  serve(body: string): string;
  close(): Promise<void>;
}

/** @param gateway whose `/element.js` the page loads */
export async function openTestSite(gateway: string): Promise<TestSite> {
  const pages: string[] = [];
  const server = createServer((request, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end(pages[Number(request.url?.slice(1))] ?? ''),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    origin: `http://127.0.0.1:${port}`,
    otherOrigin: `http://localhost:${port}`,
    serve(body) {
      const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Shop</title><link rel="icon" href="data:,">
        <script type="module" src="${gateway}/element.js"></script><body>${body}</body></html>`;
      return `/${pages.push(html) - 1}`;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
