/** The console in a real browser, at a real gateway: what it shows, to whom, and what it must not do. */

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openBrowser } from '../test/browser.ts';
import { type Cluster, openCluster } from '../test/cluster.ts';
import { openConsole, openView, signIn, tabTo, untilLoaded, VIEWS } from '../test/console-page.ts';
import { findBarriers, isTooWide, SMALL_PHONE } from '../test/page.ts';

let browser: Browser;
let cluster: Cluster;
let sessionId: string;

beforeAll(async () => {
  [browser, cluster] = await Promise.all([openBrowser(), openCluster({ redisUrl: inject('redisUrl'), hasConsole: true })]);
  const { session, ticket } = await cluster.create(cluster.newInstance(), { reference: 'order-17' });
  sessionId = session.id;
  await cluster.view(ticket).until(({ state }) => state === 'showing');
});
afterAll(async () => {
  await browser.close();
  await cluster.close();
});

const keyOf = (role: 'operator' | 'tenant'): string => (role === 'operator' ? cluster.adminKey : cluster.apiKey);

describe.each([
  ['operator', 'en-US', 'light', {}],
  ['operator', 'ru-RU', 'dark', SMALL_PHONE],
  ['tenant', 'en-US', 'dark', SMALL_PHONE],
  ['tenant', 'ru-RU', 'light', {}],
] as const)('the view of the %s in %s, %s', (role, locale, colorScheme, screen) => {
  it('has no barriers, no faults and no sideways scrolling in any view', async () => {
    const opened = await openConsole(browser, cluster, { locale, colorScheme, ...screen });
    const { page, faults, asked } = opened;
    const check = async (what: string): Promise<void> => {
      expect(await findBarriers(page), what).toEqual([]);
      expect(await isTooWide(page), what).toBe(false);
    };
    await check('the sign-in');
    await signIn(opened, keyOf(role));
    await page.waitForSelector(`a[href="#/sessions/${sessionId}"]`);
    for (const view of VIEWS[role]) {
      await openView(page, view);
      await check(view);
    }
    await page.goto(`${opened.origin}/console#/sessions/${sessionId}`);
    await page.waitForSelector('.timeline li.showing');
    await check('one session');
    expect(await page.getAttribute('html', 'lang')).toBe(locale.slice(0, 2));
    expect(faults).toEqual([]);
    // Nothing here is a look at a code.
    const calls = asked.filter((call) => call.includes('/v1/'));
    expect(calls.filter((call) => /tickets|code|poll|wait|\/sessions\/[^/]+$/.test(call))).toEqual([]);
    expect(calls.every((call) => call.startsWith('GET '))).toBe(true);
  });
});

it('asks once for the right of a key, however often it is sent', async () => {
  const { page, asked } = await openConsole(browser, cluster);
  const held = Promise.withResolvers<void>();
  await page.route('**/v1/statistics?hours=1', async (route) => {
    await held.promise;
    await route.continue();
  });
  await page.fill('#key', cluster.apiKey);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.button[aria-disabled="true"]');
  await page.fill('#key', cluster.adminKey);
  await page.keyboard.press('Enter');
  held.resolve();
  await page.waitForSelector('a[href="#/callbacks"]');
  expect(asked.filter((call) => call.includes('statistics'))).toEqual(['GET /v1/statistics?hours=1']);
});

it('leaves no question open over another view', async () => {
  const opened = await openConsole(browser, cluster);
  const { page } = opened;
  await signIn(opened, cluster.adminKey);
  await openView(page, 'tenants');
  await page.click('button[aria-label^="Suspend"]');
  await page.waitForSelector('dialog[open]');
  await page.goBack();
  await page.waitForSelector('a[href="#/sessions"][aria-current="page"]');
  expect(await page.$('dialog[open]')).toBeNull();
});

it('keeps the key out of the address, the storage and the document, and a reload asks again', async () => {
  const opened = await openConsole(browser, cluster);
  const { page, asked } = opened;
  const key = cluster.adminKey;
  await signIn(opened, key);
  await openView(page, 'audit');
  const places = `[location.href, document.documentElement.outerHTML, JSON.stringify({ ...localStorage, ...sessionStorage }), document.cookie,
    JSON.stringify(history.state), [...document.querySelectorAll('input')].map(({ value }) => value).join(), navigator.userAgent].join(' ')`;
  expect(await page.evaluate<string>(places)).not.toContain(key);
  expect(asked.join(' ')).not.toContain(key);
  await page.reload();
  await page.waitForSelector('#key');
  await signIn(opened, key);
  await page.click('.tools > .button');
  await page.waitForSelector('#key');
  expect(await page.inputValue('#key')).toBe('');
});

it('takes no key from its address', async () => {
  const { page, asked, origin } = await openConsole(browser, cluster);
  await page.goto(`${origin}/console#key=${encodeURIComponent(cluster.adminKey)}`);
  await page.reload();
  await page.waitForSelector('#key');
  expect(asked.filter((call) => call.includes('/v1/'))).toEqual([]);
});

it('says what is wrong with a key, and what to do', async () => {
  const { page } = await openConsole(browser, cluster, { mayBeRefused: true });
  for (const key of ['qk_of-nobody', 'no-admin-key']) {
    await page.fill('#key', key);
    await page.keyboard.press('Enter');
    await page.waitForSelector('.note:has-text("This key is not accepted")');
    expect(await findBarriers(page)).toEqual([]);
    expect(await page.textContent('main')).not.toContain(key);
  }
});

it('shows changes as they come, filters, pauses, and finds the way back', async () => {
  const opened = await openConsole(browser, cluster);
  const { page } = opened;
  await signIn(opened, cluster.apiKey);
  const row = `tr:has(a[href="#/sessions/${sessionId}"])`;
  await page.waitForSelector(`${row} .badge.showing`);
  const { session } = await cluster.create(cluster.newInstance(), { reference: 'order-18' });
  await page.waitForSelector(`a[href="#/sessions/${session.id}"]`);
  await page.fill('#search', 'order-18');
  await expect.poll(() => page.isVisible(row)).toBe(false);
  await page.fill('#search', '');
  await page.click('.aside .button');
  await page.waitForSelector('.badge.idle:has-text("Paused")');
  await page.click(`a[href="#/sessions/${session.id}"]`);
  await page.waitForSelector('.timeline li');
  const download = page.waitForEvent('download');
  await page.click('.aside .button:not(.quiet)');
  expect((await download).suggestedFilename()).toBe(`${session.id}-timeline.json`);
  await page.goBack();
  await page.waitForSelector(row);
  await page.click('.choices .button:has-text("Русский")');
  await page.waitForSelector('h1:has-text("Сессии")');
});

it('turns the pages of the audit log by the filter that was submitted, not by what was typed since', async () => {
  const opened = await openConsole(browser, cluster);
  const { page, asked } = opened;
  for (let i = 0; i < 51; i++) await cluster.gateways[0]?.tenants.patch('acme', { name: `Acme ${i}` });
  await signIn(opened, cluster.adminKey);
  await openView(page, 'audit');
  await page.fill('#tenant', 'acme');
  await page.click('.filters .button');
  await page.waitForSelector('.pages .button');
  await page.fill('#tenant', 'nobody');
  await page.fill('#session', 'ses_none');
  await page.click('.pages .button:has-text("Older")');
  await page.waitForSelector('.pages .button:has-text("Newest")');
  const paths = asked.filter((call) => call.includes('/audit?')).map((call) => new URLSearchParams(call.split('?')[1]));
  expect(paths.at(-1)?.get('cursor')).toBeTruthy();
  expect(paths.map((query) => [query.get('tenantId'), query.get('sessionId')])).toEqual([
    [null, null],
    ['acme', null],
    ['acme', null],
  ]);
  expect(await page.inputValue('#tenant')).toBe('nobody');
  await page.click('.filters .button');
  await page.waitForSelector('.empty');
  expect(asked.at(-1)).toMatch(/audit\?sessionId=ses_none&tenantId=nobody&limit=50$/);
});

it('an operator creates a tenant and suspends it, and sees its key once, by keyboard alone', async () => {
  const opened = await openConsole(browser, cluster);
  const { page } = opened;
  await signIn(opened, cluster.adminKey);
  await tabTo(page, 'nav a[href="#/tenants"]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#tenant-id');
  await untilLoaded(page);
  await tabTo(page, '#tenant-id');
  await page.keyboard.type('shop');
  await tabTo(page, '#tenant-name');
  await page.keyboard.type('Shop');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.secrets:focus');
  expect(await page.textContent('.secrets')).toMatch(/qk_/);
  expect(await findBarriers(page)).toEqual([]);
  await page.waitForSelector('[aria-label="Suspend: Shop"]');
  await page.focus('[aria-label="Suspend: Shop"]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('dialog[open]');
  expect(await findBarriers(page)).toEqual([]);
  await tabTo(page, 'dialog .danger');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[aria-label="Resume: Shop"]');
  await page.click('.secrets > .button');
  expect(await page.content()).not.toMatch(/qk_\w{8}/);
});
