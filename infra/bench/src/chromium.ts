/**
 * Opens pages in Chromium without a window. Measures when a page shows a code, and what it loads
 * until then.
 */

import type { Releasers } from '@qrcast/runtime/releasers';
import { type BrowserContext, type CDPSession, chromium, type Page } from 'playwright-core';
import { CHROMIUM_FLAGS, findChromium } from './chromium-program.ts';

/** Playwright would end this process on a signal, before the others are ended. */
const UNHANDLED = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false } as const;
const WITHIN_MS = 30_000;

/**
 * Runs in the page before its own scripts. `painted` resolves to the milliseconds from the start of
 * the navigation to the end of the first frame that shows a code. That is when the next frame
 * begins, so the figure has steps of a frame.
 */
const WATCH_PAINT = `{
  const { promise, resolve } = Promise.withResolvers();
  globalThis.painted = promise;
  const look = () => {
    const code = document.querySelector('#code') ?? document.querySelector('qrcast-login')?.shadowRoot?.querySelector('#code');
    const isShown = code != null && (code.localName !== 'img' || (code.complete && code.naturalWidth > 0));
    requestAnimationFrame(isShown ? resolve : look);
  };
  requestAnimationFrame(look);
}`;

export interface Painted {
  /** From the start of the navigation to the painted code. */
  readonly ms: number;
  readonly requests: number;
  /** Over the wire until then: heads and bodies of answers, and messages of WebSockets. */
  readonly bytes: number;
}

/** @throws {Error} if there is no Chromium on `path` */
export function requireChromium(path: string): string {
  const program = findChromium(path);
  if (program === null) throw new Error('this benchmark needs Chromium; install chromium-headless-shell or chromium');
  return program;
}

/**
 * Starts Chromium with a new profile for each use, and removes it afterwards. `releasers` ends the
 * one that runs.
 */
export function createProfiles(program: string, releasers: Releasers): <T>(use: (profile: BrowserContext) => Promise<T>) => Promise<T> {
  let current: BrowserContext | null = null;
  releasers.push('browser', () => current?.close());
  return async (use) => {
    current = await chromium.launchPersistentContext('', {
      executablePath: program,
      args: CHROMIUM_FLAGS,
      timeout: WITHIN_MS,
      ...UNHANDLED,
    });
    current.setDefaultTimeout(WITHIN_MS);
    await current.addInitScript(WATCH_PAINT);
    const result = await use(current);
    await current.close();
    current = null;
    return result;
  };
}

/** Opens the address in a page of its own, until the code is painted. */
export async function paintCode(context: BrowserContext, url: string): Promise<Painted> {
  const page = await context.newPage();
  try {
    const loaded = await countLoaded(page);
    await page.goto(url, { waitUntil: 'commit' });
    const ms = await page.evaluate<number>('painted');
    return { ms, ...loaded() };
  } finally {
    await page.close();
  }
}

/** @returns a function that says what was loaded so far */
async function countLoaded(page: Page): Promise<() => Pick<Painted, 'requests' | 'bytes'>> {
  const devtools = await page.context().newCDPSession(page);
  const bytesOf = new Map<string, number>();
  const add = (id: string, bytes: number): void => void bytesOf.set(id, (bytesOf.get(id) ?? 0) + bytes);
  listen(devtools, add, (id, bytes) => void bytesOf.set(id, bytes));
  await devtools.send('Network.enable');
  return () => ({ requests: bytesOf.size, bytes: [...bytesOf.values()].reduce((sum, bytes) => sum + bytes, 0) });
}

type Note = (id: string, bytes: number) => void;

/** A stream never finishes, so what has come of it counts. A `data:` address is no request. */
function listen(devtools: CDPSession, add: Note, set: Note): void {
  const isOwn = new Set<string>();
  devtools.on('Network.requestWillBeSent', ({ requestId, request }) => {
    if (request.url.startsWith('data:')) isOwn.add(requestId);
    else add(requestId, 0);
  });
  devtools.on('Network.responseReceived', ({ requestId, response }) => {
    if (!isOwn.has(requestId)) add(requestId, response.encodedDataLength);
  });
  devtools.on('Network.dataReceived', ({ requestId, encodedDataLength }) => {
    if (!isOwn.has(requestId)) add(requestId, encodedDataLength);
  });
  devtools.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (!isOwn.has(requestId)) set(requestId, encodedDataLength);
  });
  devtools.on('Network.webSocketCreated', ({ requestId }) => add(requestId, 0));
  devtools.on('Network.webSocketFrameReceived', ({ requestId, response }) => add(requestId, response.payloadData.length));
}
