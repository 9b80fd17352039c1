/** What is changed in the console, by keyboard alone, and what becomes of a secret that is told only once. */

import { openTestReceiver, type TestReceiver } from '@qrcast/runtime/test/receiver';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { openBrowser } from '../test/browser.ts';
import { type Cluster, openCluster } from '../test/cluster.ts';
import { type ConsolePage, openConsole, openView, signIn, tabTo, untilLoaded } from '../test/console-page.ts';
import { findBarriers } from '../test/page.ts';

let browser: Browser;
let cluster: Cluster;
let server: TestReceiver;

beforeAll(async () => {
  server = await openTestReceiver();
  const options = { redisUrl: inject('redisUrl'), hasConsole: true, callbackHosts: [server.url] };
  [browser, cluster] = await Promise.all([openBrowser(), openCluster(options)]);
});
afterAll(async () => {
  await browser.close();
  await cluster.close();
  await server.close();
});

/** The status that the API has for the key. */
async function statusOf(apiKey: string): Promise<number> {
  const { status } = await fetch(`${cluster.gateways[0]?.publicUrl}/v1/sessions`, { headers: { authorization: `Bearer ${apiKey}` } });
  return status;
}

async function newTenant(id: string): Promise<string> {
  return (await cluster.gateways[0]?.tenants.create({ id, name: `Shop ${id}` }))?.secrets.apiKey ?? '';
}

async function openTenants(): Promise<ConsolePage> {
  const opened = await openConsole(browser, cluster);
  await signIn(opened, cluster.adminKey);
  await openView(opened.page, 'tenants');
  return opened;
}

const keyIn = async (page: Page): Promise<string> => (await page.textContent('.secrets dd.id')) ?? '';
const press = async (page: Page, selector: string): Promise<void> => {
  await tabTo(page, selector);
  await page.keyboard.press('Enter');
};

it('a key is replaced by keyboard alone: the new one works, and the old one no more', async () => {
  const old = await newTenant('swap');
  const { page } = await openTenants();
  await press(page, '[aria-label="Keys: Shop swap"]');
  await press(page, '.keys > .button');
  await page.waitForSelector('.secrets:focus');
  const fresh = await keyIn(page);
  expect([await statusOf(old), await statusOf(fresh)]).toEqual([200, 200]);
  await press(page, '.secrets > .button');
  await page.waitForSelector('.secrets', { state: 'detached' });
  await page.waitForSelector('#title:focus');
  await expect.poll(() => page.locator('.keys .row').count()).toBe(2);
  await press(page, '.keys .row:first-child .button');
  await page.waitForSelector('dialog[open]');
  await page.keyboard.press('Escape'); // the person thinks again
  await page.waitForSelector('dialog[open]', { state: 'hidden' });
  expect(await statusOf(old)).toBe(200);
  await press(page, '.keys .row:first-child .button');
  await press(page, 'dialog .danger');
  await expect.poll(() => page.locator('.keys .row').count()).toBe(1);
  await page.waitForSelector('.keys > .button:focus');
  await expect.poll(async () => [await statusOf(old), await statusOf(fresh)]).toEqual([401, 200]);
  expect(await page.content()).not.toContain(fresh);
});

it('a new key stays until it is hidden, whatever view is open when it comes', async () => {
  await newTenant('late');
  const { page } = await openTenants();
  const held = Promise.withResolvers<void>();
  await page.route('**/v1/admin/tenants/late/keys', async (route) => {
    await held.promise;
    await route.continue();
  });
  await page.click('[aria-label="Keys: Shop late"]');
  await page.click('.keys > .button');
  await openView(page, 'audit');
  held.resolve();
  await page.waitForSelector('.note a[href="#/tenants"]:has-text("New secrets wait to be copied")');
  expect(await page.textContent('.unseen[role="status"]')).toBe('New secrets wait to be copied');
  expect(await findBarriers(page)).toEqual([]);
  expect(await page.content()).not.toMatch(/qk_\w{8}/);
  await page.click('.note a');
  await page.waitForSelector('.secrets');
  await untilLoaded(page);
  expect(await findBarriers(page)).toEqual([]);
  expect(await statusOf(await keyIn(page))).toBe(200);
  await page.click('.secrets > .button');
  await openView(page, 'audit');
  expect(await page.$('.note')).toBeNull();
});

it('a second new key does not take the place of the first', async () => {
  for (const id of ['one', 'two']) await newTenant(id);
  const { page } = await openTenants();
  for (const id of ['one', 'two']) {
    await page.click(`[aria-label="Keys: Shop ${id}"]`);
    await page.click('.keys > .button');
    await page.waitForSelector(`.secrets:has-text("Shop ${id}"):focus`);
  }
  expect(await page.locator('.secrets').count()).toBe(2);
  await page.click('.secrets:has-text("Shop one") > .button');
  expect(await page.locator('.secrets').count()).toBe(1);
  expect(await page.textContent('.secrets')).toContain('Shop two');
});

it('a new key is not lost by a reload or a sign-out that nobody has confirmed, and is gone after it', async () => {
  await newTenant('left');
  const opened = await openTenants();
  const { page } = opened;
  await page.click('[aria-label="Keys: Shop left"]');
  await page.click('.keys > .button');
  await page.waitForSelector('.secrets:focus');
  const asked = page.waitForEvent('dialog');
  void page.evaluate('location.reload()').catch(() => undefined);
  const dialog = await asked;
  expect(dialog.type()).toBe('beforeunload');
  await dialog.dismiss();
  await page.click('.tools > .button');
  await page.waitForSelector('dialog[open]:has-text("Sign out without the new secrets?")');
  expect(await findBarriers(page)).toEqual([]);
  await page.click('dialog .button:not(.danger)');
  await page.waitForSelector('.secrets');
  await page.click('.tools > .button');
  await page.click('dialog .danger');
  await page.waitForSelector('#key');
  expect(await page.content()).not.toMatch(/qk_\w{8}/);
  await signIn(opened, cluster.adminKey);
  await openView(page, 'tenants');
  expect(await page.$('.secrets')).toBeNull();
});

it('a callback is sent again by keyboard alone, and the server gets it', async () => {
  await cluster.gateways[0]?.tenants.patch('acme', { callback: { url: server.url } });
  const { session } = await cluster.create(cluster.newInstance());
  await cluster.call('DELETE', `/v1/sessions/${session.id}`);
  await server.until(1);
  const opened = await openConsole(browser, cluster);
  const { page } = opened;
  await signIn(opened, cluster.apiKey);
  await press(page, 'nav a[href="#/callbacks"]');
  await page.waitForSelector(`td:has(a[href="#/sessions/${session.id}"])`);
  await press(page, '[aria-label^="Send again"]');
  await expect.poll(() => page.textContent('.unseen[role="status"]')).toBe('It will be sent again');
  const [first, second] = await server.until(2);
  expect(second?.id).toBe(first?.id);
  await expect
    .poll(async () => {
      const { callbacks } = (await (await cluster.call('GET', '/v1/callbacks')).json()) as {
        callbacks: { state: string; attempts: unknown[] }[];
      };
      return callbacks.map(({ state, attempts }) => [state, attempts.length]);
    })
    .toEqual([['delivered', 2]]);
});
