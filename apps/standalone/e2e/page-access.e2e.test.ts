/** Accessibility: axe finds nothing wrong in any state of the page, in light or dark colours. */

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openBrowser } from '../test/browser.ts';
import { type Cluster, openCluster } from '../test/cluster.ts';
import { findBarriers, openPage, PHONE, stopClock, untilState } from '../test/page.ts';

let browser: Browser;
let cluster: Cluster;

beforeAll(async () => {
  [browser, cluster] = await Promise.all([openBrowser(), openCluster({ redisUrl: inject('redisUrl') })]);
});
afterAll(async () => {
  await browser.close();
  await cluster.close();
});

describe.concurrent.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  async function openLogin(session: Record<string, unknown> = {}) {
    const instance = cluster.newInstance();
    const { session: created, ticket } = await cluster.create(instance, session);
    const origin = cluster.gateways[0]?.publicUrl ?? '';
    const { page } = await openPage(browser, { allowed: [origin], colorScheme, ...PHONE, reducedMotion: 'reduce' });
    await page.clock.install();
    const open = (): Promise<unknown> => page.goto(`${origin}/connect#${ticket}`);
    return { page, instance, id: created.id, open };
  }
  const check = async (page: Page, what: string): Promise<void> => expect(await findBarriers(page), what).toEqual([]);

  it('every person can finish the password step', async () => {
    const { page, instance, open } = await openLogin({ returnUrl: 'https://shop.example.com/' });
    await open();
    await untilState(page, 'showing');
    await check(page, 'a code');
    instance.scanWithPassword('correct horse');
    await untilState(page, 'password');
    await check(page, 'the password');
    await page.fill('#password', 'wrong');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#mistake');
    await check(page, 'a wrong password');
    await stopClock(page); // before the countdown
    await page.fill('#password', 'correct horse');
    await page.keyboard.press('Enter');
    await untilState(page, 'connected');
    await check(page, 'the way back, with a countdown');
    await page.click('#stay');
    await check(page, 'the way back');
  });

  it('every person is told what went wrong', async () => {
    const { page, instance, id, open } = await openLogin();
    instance.fail('*', 'html502', { times: 'always' });
    await open();
    await page.waitForSelector('.detail:text("MAX")');
    await check(page, 'trouble');
    await cluster.passDeadline(id);
    await untilState(page, 'ended');
    await check(page, 'a new code to be had');
    await cluster.call('DELETE', `/v1/sessions/${id}`);
    await page.waitForSelector('#title:text("Login cancelled")');
    await check(page, 'none to be had');
    await page.reload();
    await untilState(page, 'refused');
    await check(page, 'no login');
  });
});

it('axe finds a page that is not accessible (twin)', async () => {
  const { page } = await openPage(browser, { allowed: [] });
  await page.setContent('<p style="color: #ccc">pale</p><input>');
  const barriers = await findBarriers(page);
  expect(barriers.join()).toMatch(/color-contrast.*label/);
});
