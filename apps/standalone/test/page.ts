/**
 * For end-to-end tests of the login page and element: pages that note what they must not do, and questions to what is on the screen. What
 * runs in the page is text, for nothing else of this package knows a browser's types.
 */

import axe, { type AxeResults } from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { readScreenshot } from './browser.ts';

export interface WatchedPage {
  readonly page: Page;
  /** Errors of the console, exceptions nobody caught, and requests to other origins than the allowed ones. */
  readonly faults: readonly string[];
}

export interface PageOptions extends BrowserContextOptions {
  /** Origins that may be asked for something. */
  readonly allowed: readonly string[];
}

export const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true } as const;
export const SMALL_PHONE = { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true } as const;
/** Small for one, since each of its pixels is looked at. */
const DESKTOP = { viewport: { width: 1000, height: 640 } } as const;

/** Chromium writes every such answer into the console, whoever expects it. */
const REFUSED_PASSWORD = /the server responded with a status of (422|429)/;

/** In a context of its own, which the browser closes with itself. */
export async function openPage(browser: Browser, { allowed, ...options }: PageOptions): Promise<WatchedPage> {
  const context = await browser.newContext({ ...DESKTOP, locale: 'en-US', ...options });
  await context.addInitScript('globalThis.realSetTimeout = setTimeout'); // before a clock of the page's own
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && !REFUSED_PASSWORD.test(message.text())) faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(String(error)));
  const note = (url: string): void => {
    const { origin, protocol } = new URL(url.replace(/^ws/, 'http'));
    if (protocol !== 'data:' && !allowed.includes(origin)) faults.push(`asked ${url}`);
  };
  page.on('request', (request) => note(request.url()));
  page.on('websocket', (socket) => note(socket.url()));
  return { page, faults };
}

/** Of the hosted page, which tells it on its root. */
export async function untilState(page: Page, state: string): Promise<void> {
  try {
    await page.waitForSelector(`html[data-state="${state}"]`);
  } catch (cause) {
    const shown = 'document.querySelector("qrcast-login")?.shadowRoot?.textContent';
    const seen = await page.evaluate<string>(`document.documentElement.dataset.state + ': ' + ${shown}`);
    throw new Error(`expected the page to be ${state}; it is ${seen}`, { cause });
  }
}

/** What the code says that can be seen, read from the whole screen as a phone would. */
export async function scanScreen(page: Page): Promise<string> {
  return readScreenshot(await page.screenshot());
}

/** What axe finds wrong; nothing, if all is well. Its source goes in beside the page's policy, which forbids it. */
export async function findBarriers(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  // It works by timers, which a stopped clock would never let go off.
  const results = await page.evaluate<AxeResults>(`(async () => {
    const { setTimeout } = globalThis;
    globalThis.setTimeout = globalThis.realSetTimeout ?? setTimeout;
    try {
      return await axe.run();
    } finally {
      globalThis.setTimeout = setTimeout;
    }
  })()`);
  return results.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`);
}

/** Whether a person has to scroll sideways. */
export async function isTooWide(page: Page): Promise<boolean> {
  return page.evaluate('document.documentElement.scrollWidth > innerWidth');
}

/** As somebody does who needs larger letters. */
export async function doubleText(page: Page): Promise<void> {
  await page.evaluate(`document.documentElement.style.setProperty('font-size', '200%')`);
}

/** From now on the element is told of no code's text, as if nobody could read it. */
export async function forgetTexts(page: Page): Promise<void> {
  await page.evaluate(`{
    const login = document.querySelector('qrcast-login');
    const { openWatch } = login;
    const unread = ({ session, connection }) => ({
      session: session?.code ? { ...session, code: { ...session.code, text: null } } : session,
      connection,
    });
    login.openWatch = (options) => {
      const watch = openWatch(options);
      return Object.create(watch, { snapshot: { get: () => unread(watch.snapshot) } });
    };
    login.url = location.origin; // as it was; a change opens the watch again
  }`);
}

/**
 * The page's own time goes on by `page.clock.runFor` alone from now on; what it hears from the network it still hears. Its clock must have
 * been installed before the page was opened. The jump is longer than this call takes on any machine.
 */
export async function stopClock(page: Page): Promise<void> {
  await page.clock.pauseAt((await page.evaluate<number>('Date.now()')) + 20_000);
}

/** To be called before the page is opened: when its first code is on the screen, `paintOf` tells how long that took. */
export async function timePaint(page: Page): Promise<void> {
  await page.addInitScript(`{
    const { promise, resolve } = Promise.withResolvers();
    globalThis.painted = promise;
    addEventListener('qrcast-session', ({ detail }) => {
      const toldAt = performance.now();
      let frames = 0;
      const look = (at) => {
        frames++;
        const isShown = document.querySelector('qrcast-login').shadowRoot.querySelector('#code') !== null;
        // The next frame begins when this one is on the screen.
        requestAnimationFrame(isShown ? (end) => resolve({ frames, ms: end - toldAt, sinceOpenMs: end }) : look);
      };
      if (detail.code !== null) requestAnimationFrame(look);
    });
  }`);
}

export interface Paint {
  /** From the arrival of the code's message; the one that showed it is counted. */
  readonly frames: number;
  /** From then to the end of that frame, as this machine is now. */
  readonly ms: number;
  readonly sinceOpenMs: number;
}

export async function paintOf(page: Page): Promise<Paint> {
  return page.evaluate('painted');
}

/** To be called before the page is opened: looks at every frame, for `framesOf`. */
export async function watchFrames(page: Page): Promise<void> {
  await page.addInitScript(`{
    const frames = (globalThis.counted = { staleAt: 0, shown: 0, afterStale: 0, tooLate: 0 });
    addEventListener('qrcast-session', ({ detail }) => {
      if (detail.code !== null) frames.staleAt = detail.code.staleAt;
    });
    const look = () => {
      const isStale = frames.staleAt !== 0 && Date.now() >= frames.staleAt;
      const isShown = document.querySelector('qrcast-login')?.shadowRoot?.querySelector('#code') != null;
      if (isShown) frames.shown++;
      if (isStale) frames.afterStale++;
      if (isShown && isStale) frames.tooLate++;
      requestAnimationFrame(look);
    };
    look();
  }`);
}

/** Counted so far. The page's clock and the server's are the same machine's. */
export interface Frames {
  readonly shown: number;
  /** At or after the last `staleAt` the page was told. */
  readonly afterStale: number;
  /** Both: what must never be. */
  readonly tooLate: number;
}

/** Once the last code has been stale for a while. */
export async function framesOf(page: Page): Promise<Frames> {
  return page.evaluate(`new Promise((resolve) => {
    const look = () => (counted.afterStale > 20 ? resolve(counted) : requestAnimationFrame(look));
    look();
  })`);
}

/** To be called before the page is opened: nothing that waits for longer than a second and a half ever happens, nor anything again and again. */
export async function stopTimers(page: Page): Promise<void> {
  await page.addInitScript(`{
    const { setTimeout } = globalThis;
    globalThis.setTimeout = (callback, ms, ...rest) => (ms > 1_500 ? 0 : setTimeout(callback, ms, ...rest));
    globalThis.setInterval = () => 0;
  }`);
}
