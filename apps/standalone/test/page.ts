/**
 * For end-to-end tests of the login page and element: pages that record their faults, and functions
 * that read the screen. Code for the page is text, because this package has no types of a browser.
 */

import axe, { type AxeResults } from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { readScreenshot } from './browser.ts';

export interface WatchedPage {
  readonly page: Page;
  /** Errors in the console, uncaught exceptions, and requests to origins that are not allowed. */
  readonly faults: readonly string[];
}

export interface PageOptions extends BrowserContextOptions {
  /** Origins that the page may call. */
  readonly allowed: readonly string[];
  /** The page may be refused as unauthenticated: its ticket is revoked while it connects. */
  readonly mayBeRefused?: boolean;
}

export const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true } as const;
export const SMALL_PHONE = { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true } as const;
/** It is small for a desktop, because each of its pixels is read. */
const DESKTOP = { viewport: { width: 1000, height: 640 } } as const;

/** Chromium writes every such answer into the console, even if the page expects it. */
const REFUSED = /the server responded with a status of (422|429)/;
const UNAUTHENTICATED = /the server responded with a status of 401/;

/** Opens a page in a context of its own, which the browser closes at its end. */
export async function openPage(browser: Browser, { allowed, mayBeRefused = false, ...options }: PageOptions): Promise<WatchedPage> {
  const context = await browser.newContext({ ...DESKTOP, locale: 'en-US', ...options });
  await context.addInitScript('globalThis.realSetTimeout = setTimeout'); // before a test replaces the clock
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => {
    const text = message.text();
    const isExpected = REFUSED.test(text) || (mayBeRefused && UNAUTHENTICATED.test(text));
    if (message.type() === 'error' && !isExpected) faults.push(text);
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

/** Waits until the hosted page has this state, which is an attribute of its root. */
export async function untilState(page: Page, state: string): Promise<void> {
  try {
    await page.waitForSelector(`html[data-state="${state}"]`);
  } catch (cause) {
    const shown = 'document.querySelector("qrcast-login")?.shadowRoot?.textContent';
    const seen = await page.evaluate<string>(`document.documentElement.dataset.state + ': ' + ${shown}`);
    throw new Error(`expected the page to be ${state}; it is ${seen}`, { cause });
  }
}

/** @returns the text of the visible code, read from the whole screen as a phone would */
export async function scanScreen(page: Page): Promise<string> {
  return readScreenshot(await page.screenshot());
}

/**
 * @returns what axe finds wrong. Its source is evaluated, because the page's policy forbids a
 * script.
 */
export async function findBarriers(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  // axe uses timers, which would never fire while the clock is stopped.
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

/** Resolves to true if a person has to scroll sideways. */
export async function isTooWide(page: Page): Promise<boolean> {
  return page.evaluate('document.documentElement.scrollWidth > innerWidth');
}

/** Doubles the size of the text, as a person does who needs larger letters. */
export async function doubleText(page: Page): Promise<void> {
  await page.evaluate(`document.documentElement.style.setProperty('font-size', '200%')`);
}

/** From now on, the element gets codes without a text, as if nobody could read them. */
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
    login.url = location.origin; // the same URL; setting it opens the watch again
  }`);
}

/**
 * From now on, only `page.clock.runFor` moves the page's time. The page still gets everything from
 * the network. Its clock must have been installed before the page was opened. The jump is longer
 * than this call takes on any machine.
 */
export async function stopClock(page: Page): Promise<void> {
  await page.clock.pauseAt((await page.evaluate<number>('Date.now()')) + 20_000);
}

/**
 * Call it before the page is opened. `paintOf` then resolves to the time until the first code is on
 * the screen.
 */
export async function timePaint(page: Page): Promise<void> {
  await page.addInitScript(`{
    const { promise, resolve } = Promise.withResolvers();
    globalThis.painted = promise;
    let connectedFirst;
    globalThis.WebSocket = class extends WebSocket {
      constructor(...args) {
        super(...args);
        connectedFirst ??= document.querySelector('qrcast-login').shadowRoot.querySelector('#title') === null;
      }
    };
    addEventListener('qrcast-session', ({ detail }) => {
      const toldAt = performance.now();
      let frames = 0;
      const look = (at) => {
        frames++;
        const isShown = document.querySelector('qrcast-login').shadowRoot.querySelector('#code') !== null;
        // The next frame begins once this one is on the screen.
        requestAnimationFrame(isShown ? (end) => resolve({ frames, ms: end - toldAt, sinceOpenMs: end, connectedFirst }) : look);
      };
      if (detail.code !== null) requestAnimationFrame(look);
    });
  }`);
}

export interface Paint {
  /** From the arrival of the code's message up to and including the frame that showed it. */
  readonly frames: number;
  /** From then to the end of that frame, as measured on this machine. */
  readonly ms: number;
  readonly sinceOpenMs: number;
  /** The WebSocket was opened before the element drew anything. */
  readonly connectedFirst: boolean;
}

export async function paintOf(page: Page): Promise<Paint> {
  return page.evaluate('painted');
}

/** Call it before the page is opened. It counts frames for `framesOf`. */
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

/** What was counted so far. The page and the server share one clock. */
export interface Frames {
  readonly shown: number;
  /** Frames at or after the last `staleAt` that the page got. */
  readonly afterStale: number;
  /** Frames that showed a code after that time. There must be none. */
  readonly tooLate: number;
}

/** Resolves once the last code has been stale for a while. */
export async function framesOf(page: Page): Promise<Frames> {
  return page.evaluate(`new Promise((resolve) => {
    const look = () => (counted.afterStale > 20 ? resolve(counted) : requestAnimationFrame(look));
    look();
  })`);
}

/**
 * Call it before the page is opened. Timers for longer than a second and a half never fire, and
 * intervals never do.
 */
export async function stopTimers(page: Page): Promise<void> {
  await page.addInitScript(`{
    const { setTimeout } = globalThis;
    globalThis.setTimeout = (callback, ms, ...rest) => (ms > 1_500 ? 0 : setTimeout(callback, ms, ...rest));
    globalThis.setInterval = () => 0;
  }`);
}
