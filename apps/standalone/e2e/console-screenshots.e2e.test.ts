/**
 * Makes the pictures of the console for OPERATING.md again:
 * `QRCAST_SCREENSHOTS=1 vitest run e2e/console-screenshots`. Look at them afterwards. With
 * `QRCAST_SCREENSHOTS=<folder>` it makes one of every view, for whoever changes its look.
 */

import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { decode, encode } from 'fast-png';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, inject, it } from 'vitest';
import { openBrowser } from '../test/browser.ts';
import { type Cluster, openCluster } from '../test/cluster.ts';
import { type ConsolePage, openConsole, openView, signIn, VIEWS } from '../test/console-page.ts';
import { SMALL_PHONE } from '../test/page.ts';

const WISHED = process.env['QRCAST_SCREENSHOTS'] ?? '';
const FOLDER = WISHED === '1' ? fileURLToPath(new URL('../../web/screenshots', import.meta.url)) : WISHED;
const WIDE = { viewport: { width: 1280, height: 800 } };
const KEPT: ReadonlySet<string> = new Set(['sessions-en-light', 'session-en-light', 'logins-ru-dark', 'sessions-ru-dark-phone']);

describe.runIf(WISHED !== '')('screenshots of the console', () => {
  let browser: Browser;
  let cluster: Cluster;
  let connectedId = '';

  beforeAll(async () => {
    [browser, cluster] = await Promise.all([openBrowser(), openCluster({ redisUrl: inject('redisUrl'), hasConsole: true })]);
    connectedId = await playLogins(cluster);
  });
  afterAll(async () => {
    await browser.close();
    await cluster.close();
  });

  it.each([
    ['en-light', 'en-GB', 'light', WIDE, 'operator'],
    ['ru-dark', 'ru-RU', 'dark', WIDE, 'operator'],
    ['ru-dark-phone', 'ru-RU', 'dark', SMALL_PHONE, 'operator'],
    ['en-light-phone', 'en-GB', 'light', SMALL_PHONE, 'tenant'],
  ] as const)('%s', async (suffix, locale, colorScheme, screen, role) => {
    const opened = await openConsole(browser, cluster, { locale, colorScheme, ...screen });
    const { page, origin } = opened;
    await save(page, `sign-in-${suffix}`);
    await signIn(opened, role === 'operator' ? cluster.adminKey : cluster.apiKey);
    await page.waitForSelector('.table');
    for (const view of VIEWS[role]) {
      await openView(page, view);
      if (view === 'sessions') await page.waitForSelector('.table');
      await save(page, `${view}-${suffix}`);
    }
    await page.goto(`${origin}/console#/sessions/${connectedId}`);
    await page.waitForSelector('.timeline li');
    await save(page, `session-${suffix}`);
    if (WISHED !== '1') await saveRareStates(cluster, opened, { role, suffix });
  });

  it.runIf(WISHED !== '1')('forced colours', async () => {
    const opened = await openConsole(browser, cluster, { locale: 'en-GB', forcedColors: 'active', ...WIDE });
    await signIn(opened, cluster.adminKey);
    for (const view of VIEWS.operator) {
      await openView(opened.page, view);
      await save(opened.page, `${view}-forced`);
    }
  });
});

interface Look {
  readonly role: 'operator' | 'tenant';
  readonly suffix: string;
}

/** A secret that waits, the question before it is lost, and a stream that has to wait. */
async function saveRareStates(cluster: Cluster, opened: ConsolePage, { role, suffix }: Look): Promise<void> {
  const { page } = opened;
  if (role === 'operator') {
    await cluster.gateways[0]?.tenants.create({ id: suffix, name: 'Shop' });
    await openView(page, 'tenants');
    await page.click(`tr:has-text("${suffix}") .actions .button`);
    await page.click('.keys > .button');
    await page.waitForSelector('.secrets');
    await save(page, `secrets-${suffix}`);
    await openView(page, 'audit');
    await save(page, `reminder-${suffix}`);
    await page.click('.tools > .button');
    await page.waitForSelector('dialog[open]');
    await save(page, `leave-${suffix}`);
    await page.click('dialog .danger');
    await page.waitForSelector('#key');
  } else await page.click('.tools > .button');
  const body = JSON.stringify({ code: 'too_many_requests', detail: 'expected at most 4 open streams of the overview; close one first' });
  const refusal = { status: 429, headers: { 'retry-after': '30' }, contentType: 'application/problem+json', body };
  await page.route('**/overview', (route) => route.fulfill(refusal));
  await page.route('**/audit?*', (route) => route.fulfill(refusal));
  await page.evaluate(`location.hash = '#/sessions'`);
  await signIn(opened, role === 'operator' ? cluster.adminKey : cluster.apiKey);
  await page.waitForSelector('.note');
  await save(page, `waiting-${suffix}`);
  await openView(page, 'audit');
  await page.waitForSelector('.note .wait');
  await save(page, `refused-${suffix}`);
}

/** Sessions in many states. @returns the id of one that is connected */
async function playLogins(cluster: Cluster): Promise<string> {
  const start = async (reference: string) => {
    const instance = cluster.newInstance();
    const { session, ticket } = await cluster.create(instance, { reference });
    const viewer = cluster.view(ticket);
    await viewer.until(({ state }) => state === 'showing');
    return { instance, id: session.id, until: (state: string) => viewer.until((now) => now.state === state) };
  };
  const [first, second, third, , fifth] = await Promise.all(
    ['order-1017', 'order-1018', 'order-1019', 'order-1020', 'order-1021'].map(start),
  );
  second?.instance.scanWithPassword('correct horse');
  await second?.until('password');
  third?.instance.scan();
  await third?.until('connected');
  await cluster.call('DELETE', `/v1/sessions/${fifth?.id}`);
  first?.instance.fail('*', 'html502', { times: 'always' });
  await cluster.createFor('shop', cluster.newInstance());
  return third?.id ?? '';
}

async function save(page: Page, name: string): Promise<void> {
  if (WISHED === '1' && !KEPT.has(name)) return;
  const png = decode(await page.screenshot({ animations: 'disabled', fullPage: WISHED !== '1' }));
  const data = png.data.map((value) => Math.min(255, Math.round(value / 2) * 2)); // nobody can see these steps
  await writeFile(`${FOLDER}/console-${name}.png`, encode({ ...png, data }, { zlib: { level: 9 } }));
}
