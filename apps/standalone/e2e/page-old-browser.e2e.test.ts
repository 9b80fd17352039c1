/**
 * The login in browsers older than those we support. It works without the functions that they lack.
 * If they cannot parse its scripts, it says that the browser is too old. Chromium simulates them:
 * functions newer than 2020 are deleted before the page loads, or a script has a syntax error.
 */

import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../test/cluster.ts';
import { givePassword, logIn, useLoginStage } from '../test/login-stage.ts';
import { untilState } from '../test/page.ts';

/** The page and the element need none of these. */
const NOT_NEEDED = [
  ...[
    'structuredClone',
    'reportError',
    'ResizeObserver',
    'requestIdleCallback',
    'scheduler',
    'WeakRef',
    'FinalizationRegistry',
    'trustedTypes',
  ],
  ...['crypto.randomUUID', 'Promise.withResolvers', 'Promise.any', 'Promise.try', 'URL.parse', 'Error.captureStackTrace'],
  ...['at', 'findLast', 'findLastIndex', 'toSorted', 'toReversed', 'toSpliced', 'with'].map((name) => `Array.prototype.${name}`),
  ...['Array.fromAsync', 'Object.groupBy', 'Map.groupBy', 'Element.prototype.checkVisibility', 'AbortSignal.prototype.throwIfAborted'],
  ...['at', 'replaceAll', 'isWellFormed', 'toWellFormed'].map((name) => `String.prototype.${name}`),
  ...['union', 'intersection', 'difference', 'isSubsetOf'].map((name) => `Set.prototype.${name}`),
  ...['Iterator.prototype.map', 'Iterator.prototype.filter', 'Iterator.from', 'Response.json', 'CSSStyleSheet.prototype.replace'],
] as const;
/** The client library works without these. */
const CLIENT = ['AbortSignal.any', 'AbortSignal.timeout', 'URL.canParse', 'Object.hasOwn', 'URLSearchParams.prototype.size'] as const;

const stage = useLoginStage();

interface Opened {
  readonly instance: ReturnType<Cluster['newInstance']>;
  readonly page: Page;
  readonly errors: readonly string[];
}

/** @param missing paths from the global object. The page fails if one is not deleted. */
async function openWithout(missing: readonly string[], embed: (ticket: string) => string, locale = 'en-US'): Promise<Opened> {
  const instance = stage.cluster.newInstance();
  const { ticket } = await stage.cluster.create(instance);
  const page = await (await stage.browser.newContext({ locale })).newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.addInitScript(`for (const path of ${JSON.stringify(missing)}) {
    const names = path.split('.');
    const last = names.pop();
    const owner = names.reduce((here, name) => here?.[name], globalThis);
    // Deletes it from the owner and its prototypes.
    for (let here = owner; here != null; here = Object.getPrototypeOf(here)) delete here[last];
    if (owner != null && last in owner) throw new Error('still there: ' + path);
  }`);
  await page.goto(embed(ticket));
  return { instance, page, errors };
}

const hosted = (ticket: string): string => `${stage.gateway}/connect#${ticket}`;
const embedded = (ticket: string): string => stage.site.origin + stage.site.serve(`<qrcast-login ticket="${ticket}"></qrcast-login>`);

describe('without features newer than 2020', () => {
  it.each([
    ['the page', hosted],
    ['the element', embedded],
  ])('%s works', async (_which, embed) => {
    const { instance, page, errors } = await openWithout([...NOT_NEEDED, ...CLIENT], embed);
    await logIn(page, instance);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  it.each([
    ['the page', hosted],
    ['the element', embedded],
  ])('%s works over HTTP alone, without newer features for the client library', async (_which, embed) => {
    const { instance, page, errors } = await openWithout([...CLIENT, 'WebSocket'], embed);
    await page.waitForSelector('#title:text-is("Scan the code with MAX")');
    instance.scanWithPassword('correct horse');
    await page.fill('#password', 'wrong');
    await page.press('#password', 'Enter');
    await page.waitForSelector('#mistake');
    await givePassword(page);
    expect(errors).toEqual([]);
    await page.context().close();
  });
});

describe('in a browser that cannot read the scripts', () => {
  const SYNTAX = 'export const broken = ][;';

  async function openBroken(pattern: string, body: string | null, locale = 'en-US', init = ''): Promise<Page> {
    const { ticket } = await stage.cluster.create(stage.cluster.newInstance());
    const page = await (await stage.browser.newContext({ locale })).newPage();
    if (init !== '') await page.addInitScript(init);
    await page.route(pattern, (route) =>
      body === null
        ? route.abort()
        : route.fulfill({ body, contentType: 'text/javascript', headers: { 'access-control-allow-origin': '*' } }),
    );
    await page.goto(`${stage.gateway}/connect#${ticket}`);
    await untilState(page, 'refused');
    return page;
  }

  it.each([
    ['element.js', 'en-US', 'This browser is too old'],
    ['element.js', 'ru-RU', 'Этот браузер устарел'],
    ['connect.js', 'ru-RU', 'Этот браузер устарел'],
  ])('the page says so, when it is %s, in %s', async (file, locale, words) => {
    const page = await openBroken(`**/${file}`, SYNTAX, locale);
    expect(await page.textContent('.trouble h2')).toBe(words);
    expect(await page.textContent('.trouble p')).toContain('Chrome');
    expect([await page.title(), await page.getAttribute('html', 'lang')]).toEqual([words, locale.slice(0, 2)]);
    expect([await page.locator('.trouble').count(), await page.locator('qrcast-login').count()]).toEqual([1, 0]);
    await page.context().close();
  });

  it('the page says so where there are no custom elements', async () => {
    const page = await openBroken('**/none', '', 'en-US', 'delete globalThis.customElements; delete Window.prototype.customElements;');
    expect(await page.textContent('.trouble h2')).toBe('This browser is too old');
    await page.context().close();
  });

  it('a script that does not load is reported as such', async () => {
    for (const file of ['element.js', 'connect.js']) {
      const page = await openBroken(`**/${file}`, null);
      expect(await page.textContent('.trouble h2'), file).toBe('The page did not load completely');
      await page.context().close();
    }
  });

  it('a page around the element shows the content of the element in the meantime', async () => {
    const page = await (await stage.browser.newContext()).newPage();
    await page.route('**/element.js', (route) =>
      route.fulfill({ body: SYNTAX, contentType: 'text/javascript', headers: { 'access-control-allow-origin': '*' } }),
    );
    await page.goto(stage.site.origin + stage.site.serve('<qrcast-login><p>Please use a newer browser.</p></qrcast-login>'));
    await page.locator('qrcast-login > p').waitFor({ state: 'visible' });
    await page.unroute('**/element.js');
    await page.reload();
    await page.waitForSelector('#title');
    expect(await page.locator('qrcast-login > p').isVisible()).toBe(false);
    await page.context().close();
  });

  it('errors of other scripts are not reported as ours', async () => {
    const { page } = await openWithout([], hosted);
    await page.evaluate(`dispatchEvent(new ErrorEvent('error', { filename: 'chrome-extension://x/y.js', message: 'SyntaxError' }))`);
    await untilState(page, 'showing');
    expect(await page.locator('.trouble').count()).toBe(0);
    await page.context().close();
  });
});
