/**
 * The login page without a network: no code is shown after its time, and the page recovers by
 * itself.
 */

import { openTestProxy, type TestProxy } from '@qrcast/runtime/test/proxy';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openBrowser } from '../test/browser.ts';
import { type Cluster, openCluster } from '../test/cluster.ts';
import { framesOf, openPage, scanScreen, stopClock, stopTimers, untilState, watchFrames } from '../test/page.ts';

let browser: Browser;
let cluster: Cluster;
const proxies: TestProxy[] = [];

beforeAll(async () => {
  [browser, cluster] = await Promise.all([openBrowser(), openCluster({ redisUrl: inject('redisUrl') })]);
});
afterAll(async () => {
  await browser.close();
  for (const proxy of proxies) await proxy.close();
  await cluster.close();
});

interface Setting {
  readonly isClockless?: boolean;
}

/** Opens a page that shows a code, over a proxy of its own. */
async function openLogin({ isClockless = false }: Setting = {}): Promise<{ page: Page; line: TestProxy }> {
  const line = await openTestProxy(cluster.gateways[0]?.port ?? 0);
  proxies.push(line);
  const { ticket } = await cluster.create(cluster.newInstance());
  const origin = `http://127.0.0.1:${line.port}`;
  const { page } = await openPage(browser, { allowed: [origin] });
  await page.clock.install();
  await watchFrames(page);
  if (isClockless) await stopTimers(page);
  await page.goto(`${origin}/connect#${ticket}`);
  await untilState(page, 'showing');
  await stopClock(page);
  return { page, line };
}

/**
 * Moves the page's time past the moment at which its code must disappear. The last seconds are run
 * frame by frame.
 */
async function passCode(page: Page): Promise<void> {
  const leftMs = await page.evaluate<number>('counted.staleAt - Date.now()');
  expect(leftMs).toBeGreaterThan(10_000);
  await page.clock.fastForward(leftMs - 3_000);
  await page.clock.runFor(5_000);
}

describe('without a network', () => {
  it('a code is removed before it is stale: after a cut, on a silent line, and in an offline browser', async () => {
    const cutOff = await openLogin();
    const silent = await openLogin();
    const offline = await openLogin();
    const clockless = await openLogin({ isClockless: true });
    cutOff.line.refuse(true);
    cutOff.line.cut();
    silent.line.freeze();
    clockless.line.freeze();
    await offline.page.context().setOffline(true);
    offline.line.cut();
    for (const { page } of [cutOff, silent, offline, clockless]) await passCode(page);

    for (const { page } of [cutOff, silent, offline]) {
      const { shown, tooLate } = await framesOf(page);
      expect(shown).toBeGreaterThan(0);
      expect(tooLate).toBe(0);
      await untilState(page, 'waiting');
      await expect(scanScreen(page)).rejects.toThrow();
    }
    // The twin: a page whose timers do not fire. It must fail, or the others would prove nothing.
    expect((await framesOf(clockless.page)).tooLate).toBeGreaterThan(0);
    expect(await scanScreen(clockless.page)).toMatch(/^https:/);

    expect(await cutOff.page.locator('.banner').textContent()).toBe('Connection lost, trying again…');
    expect(await cutOff.page.locator('#title').textContent()).toBe('The code has expired');
    cutOff.line.refuse(false);
    await offline.page.context().setOffline(false);
    for (const { page } of [cutOff, offline]) {
      await page.clock.resume();
      await untilState(page, 'showing');
      expect(await page.locator('.banner').count()).toBe(0);
      expect(await scanScreen(page)).toMatch(/^https:/);
    }
  });

  it('a login that was confirmed in the meantime is shown on the return', async () => {
    const instance = cluster.newInstance();
    const { ticket } = await cluster.create(instance);
    const line = await openTestProxy(cluster.gateways[0]?.port ?? 0);
    proxies.push(line);
    const { page } = await openPage(browser, { allowed: [`http://127.0.0.1:${line.port}`] });
    await page.goto(`http://127.0.0.1:${line.port}/connect#${ticket}`);
    await untilState(page, 'showing');
    const viewer = cluster.view(ticket); // keeps the session watched
    line.refuse(true);
    line.cut();
    await page.waitForSelector('.banner');
    instance.scan();
    await viewer.until(({ state }) => state === 'connected');
    line.refuse(false);
    await untilState(page, 'connected');
  });
});
