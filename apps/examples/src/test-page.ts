/** For tests: an example in a browser, and everything that a curious user of it could read. */

import { readScreenshot } from '@qrcast/standalone/test/browser';
import type { Browser, Page } from 'playwright-core';

export interface OpenPage {
  readonly page: Page;
  /** The content of the code on the screen, as soon as there is one. */
  scan(): Promise<string>;
  /**
   * Every requested address, every answer of the page's own origin, the console, and the current
   * document.
   */
  seen(): Promise<string>;
  close(): Promise<void>;
}

/** `[part=code]` is the element's, `img` the React example's. */
const CODE = 'qrcast-login [part~="code"], section img';

export async function openPage(browser: Browser, url: string): Promise<OpenPage> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const { origin } = new URL(url);
  const heard: Promise<string>[] = [];
  page.on('request', (request) => heard.push(Promise.resolve(request.url().replace(/#.*$/, ''))));
  page.on('websocket', (socket) => heard.push(Promise.resolve(socket.url())));
  page.on('console', (message) => heard.push(Promise.resolve(message.text())));
  page.on('response', (response) => {
    // A redirect or a request that the page gave up has no body.
    if (new URL(response.url()).origin === origin) heard.push(response.text().catch(() => ''));
  });
  await page.goto(url);
  return {
    page,
    async scan() {
      const code = page.locator(CODE);
      await code.waitFor();
      return readScreenshot(await code.screenshot());
    },
    seen: async () => [page.url(), await page.content(), ...(await Promise.all(heard))].join('\n'),
    close: () => context.close(),
  };
}
