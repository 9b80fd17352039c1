/** The console while its gateway is away, stops, or asks it to wait. */

import { openTestProxy, type TestProxy } from '@qrcast/runtime/test/proxy';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { openBrowser } from '../test/browser.ts';
import { type Cluster, openCluster } from '../test/cluster.ts';
import { type ConsolePage, openConsole, openConsoleAt, openView, signIn } from '../test/console-page.ts';
import { findBarriers } from '../test/page.ts';

let browser: Browser;
let cluster: Cluster;
let proxy: TestProxy;
let target = 0;

beforeAll(async () => {
  [browser, cluster] = await Promise.all([openBrowser(), openCluster({ redisUrl: inject('redisUrl'), hasConsole: true, gateways: 2 })]);
  proxy = await openTestProxy(() => target);
  target = cluster.gateways[0]?.port ?? 0;
});
afterAll(async () => {
  await browser.close();
  await proxy.close();
  await cluster.close();
});

/** Opens the console of a tenant through the proxy. */
async function openLive(): Promise<ConsolePage> {
  const opened = await openConsoleAt(browser, `http://127.0.0.1:${proxy.port}`);
  await signIn(opened, cluster.apiKey);
  await opened.page.waitForSelector('.badge.live');
  return opened;
}

const rowOf = (sessionId: string): string => `a[href="#/sessions/${sessionId}"]`;
const announced = (page: Page): Promise<string | null> => page.textContent('.unseen[role="status"]');
const streamsIn = (asked: readonly string[]): number => asked.filter((call) => call === 'GET /v1/overview').length;

it('says that the gateway is away, keeps what it knows, and shows what is new when it is back', async () => {
  const { session } = await cluster.create(cluster.newInstance());
  const { page } = await openLive();
  await page.waitForSelector(rowOf(session.id));
  proxy.refuse(true);
  proxy.cut();
  await page.waitForSelector('.badge.bad:has-text("The gateway cannot be reached. Next try in")');
  expect(await announced(page)).toBe('The gateway cannot be reached');
  expect(await page.isVisible(rowOf(session.id))).toBe(true);
  expect(await findBarriers(page)).toEqual([]);
  const { session: fresh } = await cluster.create(cluster.newInstance());
  await cluster.call('DELETE', `/v1/sessions/${session.id}`);
  expect(await page.$('.badge.live')).toBeNull();
  proxy.refuse(false);
  await page.waitForSelector(rowOf(fresh.id));
  await page.waitForSelector('.badge.live');
  await page.waitForSelector(`tr:has(${rowOf(session.id)}) .badge.ended`);
});

it('says nothing about sessions before it knows any', async () => {
  const opened = await openConsoleAt(browser, `http://127.0.0.1:${proxy.port}`);
  const { page } = opened;
  await page.route('**/v1/overview', (route) => route.abort());
  await signIn(opened, cluster.apiKey);
  await page.waitForSelector('.badge.bad');
  expect(await page.textContent('main')).not.toContain('No sessions now');
});

it('tells a gateway that stops from one that is away, and goes on at another', async () => {
  target = cluster.gateways[1]?.port ?? 0;
  const { page } = await openLive();
  target = cluster.gateways[0]?.port ?? 0;
  const held = Promise.withResolvers<void>();
  await page.route('**/v1/overview', async (route) => {
    await held.promise;
    await route.continue();
  });
  await cluster.gateways[1]?.close(0);
  await expect.poll(() => announced(page)).toBe('The gateway is stopping');
  const { session } = await cluster.create(cluster.newInstance());
  held.resolve();
  await page.waitForSelector(rowOf(session.id));
  await expect.poll(() => announced(page)).toBe('Live');
});

const WAIT = { status: 429, headers: { 'retry-after': '30' }, contentType: 'application/problem+json' };
const problem = (detail: string) => ({ ...WAIT, body: JSON.stringify({ code: 'too_many_requests', detail }) });

it('waits as long as it is asked to, says so and why, and a pause does not cut that short', async () => {
  const opened = await openConsole(browser, cluster);
  const { page, asked } = opened;
  await page.route('**/v1/overview', (route) => route.fulfill(problem('close one first')));
  await signIn(opened, cluster.apiKey);
  await page.waitForSelector('.badge.bad span:text-matches("Too many requests. Next try in [23]\\\\d sec")');
  await page.waitForSelector('.note:has-text("close one first")');
  expect(await findBarriers(page)).toEqual([]);
  for (let i = 0; i < 3; i++) {
    await page.click('.aside .button:has-text("Pause")');
    await page.click('.aside .button:has-text("Continue")');
  }
  await page.waitForSelector('.badge.bad span:text-matches("Too many requests. Next try in [23]\\\\d sec")');
  expect(streamsIn(asked)).toBe(1);
  await page.unroute('**/v1/overview');
});

it('the real gateway refuses a fifth page of a tenant, and lets it in when another one closes', async () => {
  const others = Array.from({ length: 4 }, () => new AbortController());
  const { apiKey } = (await cluster.gateways[0]?.tenants.create({ id: 'five', name: 'Five' }))?.secrets ?? { apiKey: '' };
  const headers = { authorization: `Bearer ${apiKey}` };
  const streams = await Promise.all(
    others.map(({ signal }) => fetch(`${cluster.gateways[0]?.publicUrl}/v1/overview`, { headers, signal })),
  );
  const opened = await openConsole(browser, cluster);
  await signIn(opened, apiKey);
  await opened.page.waitForSelector('.note:has-text("expected at most 4 open streams")');
  expect(streams.map(({ status }) => status)).toEqual([200, 200, 200, 200]); // held until here: fetch ends what nobody can read
  for (const other of others) other.abort();
  await opened.page.waitForSelector('.badge.live');
  expect(await opened.page.$('.note')).toBeNull();
});

it('a button that would ask again does nothing before the time that the gateway has named', async () => {
  const opened = await openConsole(browser, cluster);
  const { page, asked } = opened;
  await page.route('**/v1/audit?*', (route) => route.fulfill(problem('slow down')));
  await signIn(opened, cluster.apiKey);
  await openView(page, 'audit');
  await page.waitForSelector('.note .wait:text-matches("The gateway asks you to wait [23]\\\\d sec")');
  expect(await findBarriers(page)).toEqual([]);
  const before = asked.length;
  await page.dispatchEvent('.note .button[aria-disabled="true"]', 'click'); // a plain click would wait until it is enabled
  await page.click('.filters .button');
  await page.click('nav a[href="#/logins"]');
  await page.waitForSelector('.note .wait');
  expect(asked.slice(before).filter((call) => call.includes('/v1/'))).toEqual([]);
});
