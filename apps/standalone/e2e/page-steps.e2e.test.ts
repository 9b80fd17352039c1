/**
 * Between the scan and the success: a login that takes long, a tab that is hidden in between, and
 * the way back from the password.
 */

import { openTestProxy, type TestProxy } from '@qrcast/runtime/test/proxy';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openBrowser } from '../test/browser.ts';
import { type Cluster, type Created, openCluster } from '../test/cluster.ts';
import { findBarriers, openPage, untilState, type WatchedPage } from '../test/page.ts';

let browser: Browser;
let cluster: Cluster;
let line: TestProxy;
const opened: WatchedPage[] = [];

beforeAll(async () => {
  const options = { redisUrl: inject('redisUrl'), simulator: { rotateMs: 60_000 }, unwatchedGraceMs: 100 };
  [browser, cluster] = await Promise.all([openBrowser(), openCluster(options)]);
  line = await openTestProxy(cluster.gateways[0]?.port ?? 0);
});
afterAll(async () => {
  for (const { page, faults } of opened.splice(0)) {
    await page.context().close();
    expect(faults.filter((fault) => !fault.includes('WebSocket'))).toEqual([]); // a connection that was cut
  }
  await browser.close();
  await line.close();
  await cluster.close();
});

/** Opens a login that shows its code, over a proxy that can be cut. */
async function openShowing(query = '') {
  const instance = cluster.newInstance();
  const created = await cluster.create(instance);
  const origin = `http://127.0.0.1:${line.port}`;
  const watched = await openPage(browser, { allowed: [origin] });
  opened.push(watched);
  const { page } = watched;
  await page.goto(`${origin}/connect${query}#${created.ticket}`);
  await untilState(page, 'showing');
  return { ...created, page, instance };
}

const until = (page: Page, selector: string, words: string): Promise<unknown> => page.waitForSelector(`${selector}:text-is("${words}")`);

async function sessionOf({ session }: Created): Promise<Created['session']> {
  const response = await cluster.call('GET', `/v1/sessions/${session.id}?visible=false`);
  return ((await response.json()) as Created).session;
}

describe('a scanned code', () => {
  it.each([
    ['', 'Scanned; finishing the login', 'Connected'],
    ['?lang=ru', 'Отсканировано, завершаем вход', 'Готово'],
  ])('whose login takes long is not requested again: %s', async (query, finishing, connected) => {
    const { page, instance } = await openShowing(query);
    instance.setState('starting');
    await until(page, '#title', finishing);
    expect(await page.locator('#code, .skeleton, .steps, .here').count()).toBe(0);
    expect(await page.locator('[role=status]').textContent()).toContain(finishing);
    expect(await findBarriers(page)).toEqual([]);
    instance.setState('authorized');
    await until(page, '#title', connected);
  });
});

describe('the password step', () => {
  it('can be left for a new code, with the keyboard, and reached again', async () => {
    const { page, instance } = await openShowing();
    instance.scanWithPassword('correct horse');
    await untilState(page, 'password');
    await page.keyboard.type('corre');
    for (let i = 0; i < 3; i++) await page.keyboard.press('Tab'); // over the two other buttons
    expect(await page.evaluate(`document.querySelector('qrcast-login').shadowRoot.activeElement.id`)).toBe('start-over');
    await page.keyboard.press('Enter');
    await untilState(page, 'showing');
    expect(instance.requests.filter(({ method }) => method === 'logout')).toHaveLength(1);
    instance.scan(); // its account still has a password
    await untilState(page, 'password');
    expect(await page.locator('#password').inputValue()).toBe('');
    await page.keyboard.type('correct horse');
    await page.keyboard.press('Enter');
    await untilState(page, 'connected');
  });

  it('that somebody else has left ends for this page, too', async () => {
    const { page, instance, session } = await openShowing();
    instance.scanWithPassword('correct horse');
    await untilState(page, 'password');
    expect((await cluster.call('POST', `/v1/sessions/${session.id}/start-over`)).status).toBe(200);
    await untilState(page, 'showing');
  });

  it('keeps half-typed text through a hidden tab and a lost connection', async () => {
    const created = await openShowing();
    const { page, instance } = created;
    const become = (state: string): Promise<unknown> =>
      page.evaluate(`{
        Object.defineProperty(document, 'visibilityState', { configurable: true, value: '${state}' });
        document.dispatchEvent(new Event('visibilitychange'));
      }`);
    const viewers = async (): Promise<number> => (await sessionOf(created)).viewers;
    instance.scanWithPassword('correct horse');
    await untilState(page, 'password');
    await page.keyboard.type('corre');
    await page.evaluate(`globalThis.field = document.querySelector('qrcast-login').shadowRoot.querySelector('#password')`);

    const asked = instance.requests.length;
    await become('hidden');
    await expect.poll(viewers).toBe(0);
    await instance.untilRequests(asked + 2); // the state is still polled
    line.refuse(true);
    line.cut();
    await page.waitForSelector('.banner', { state: 'attached' });
    line.refuse(false);
    await become('visible');
    await page.waitForSelector('.banner', { state: 'detached' });
    await expect.poll(viewers).toBe(1);
    await untilState(page, 'password');
    expect(await page.evaluate(`field === document.querySelector('qrcast-login').shadowRoot.querySelector('#password')`)).toBe(true);
    await page.keyboard.type('ct horse');
    await page.keyboard.press('Enter');
    await untilState(page, 'connected');
    const methods = instance.requests.slice(asked).map(({ method }) => method);
    expect(new Set(methods)).toEqual(new Set(['getStateInstance', 'sendAuthorizationPassword'])); // a code could start a new login
  });
});
