/** How the console looks to people who need it otherwise, and its icon. */

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { openBrowser } from '../test/browser.ts';
import { type Cluster, openCluster } from '../test/cluster.ts';
import { openConsole, openView, signIn, VIEWS } from '../test/console-page.ts';
import { findBarriers } from '../test/page.ts';

let browser: Browser;
let cluster: Cluster;

beforeAll(async () => {
  [browser, cluster] = await Promise.all([openBrowser(), openCluster({ redisUrl: inject('redisUrl'), hasConsole: true })]);
  const instance = cluster.newInstance();
  const { ticket } = await cluster.create(instance);
  const viewer = cluster.view(ticket);
  await viewer.until(({ state }) => state === 'showing');
  instance.scan();
  await viewer.until(({ state }) => state === 'connected');
  const { session } = await cluster.create(cluster.newInstance());
  await cluster.call('DELETE', `/v1/sessions/${session.id}`);
});
afterAll(async () => {
  await browser.close();
  await cluster.close();
});

async function adminAnswer(path: string): Promise<string> {
  const headers = { authorization: `Bearer ${cluster.adminKey}` };
  return (await fetch(`${cluster.gateways[0]?.publicUrl}${path}`, { headers })).text();
}

/** Opens each view of the operator in turn. */
async function inEachView(look: object, check: (page: Page, view: string) => Promise<void>): Promise<void> {
  const opened = await openConsole(browser, cluster, look);
  await signIn(opened, cluster.adminKey);
  await opened.page.waitForSelector('.table');
  for (const view of VIEWS.operator) {
    await openView(opened.page, view);
    await check(opened.page, view);
  }
  await opened.page.context().close();
}

it('tells each state in words, and parts of a chart by more than a colour, in forced colours', async () => {
  // The charts are drawn once there are figures, which are written every few seconds.
  for (const [path, figures] of [
    ['/v1/admin/statistics', /"connected":[1-9]/],
    ['/v1/admin/weather', /"requests":[1-9]/],
  ] as const)
    await expect.poll(() => adminAnswer(path)).toMatch(figures);
  let badges = 0;
  let keys = 0;
  await inEachView({ forcedColors: 'active' }, async (page, view) => {
    if (view === 'sessions') await page.waitForSelector('.badge.ended');
    if (view === 'logins') await page.waitForSelector('.legend');
    if (view === 'weather') await page.waitForSelector('.legend');
    expect(await findBarriers(page), view).toEqual([]);
    const words = await page.evaluate<string[]>('[...document.querySelectorAll(".badge")].map((badge) => badge.innerText.trim())');
    expect(
      words.filter((word) => word === ''),
      view,
    ).toEqual([]);
    badges += words.length;
    const looks = `[...document.querySelectorAll('.legend')].map((legend) => [...legend.querySelectorAll('.key')].map((key) => {
      const { backgroundColor, borderTopColor, borderTopWidth } = getComputedStyle(key, '::before');
      return [backgroundColor, borderTopColor, borderTopWidth].join();
    }))`;
    for (const legend of await page.evaluate<string[][]>(looks)) {
      expect(new Set(legend).size, `${view}: ${legend.join(' | ')}`).toBe(legend.length);
      for (const key of legend) expect(key).toMatch(/,1px$/); // it has an edge, if it has the colour of the page
      keys += legend.length;
    }
    // A legend draws each part as the chart does.
    const same = `[...document.querySelectorAll('.card')].every((card) => [...card.querySelectorAll('.key')].every((key) => {
      const [part] = card.querySelectorAll('.chart rect.' + key.classList[1]);
      return part === undefined || getComputedStyle(part).fill === getComputedStyle(key, '::before').backgroundColor;
    }))`;
    expect(await page.evaluate(same), view).toBe(true);
  });
  expect(badges).toBeGreaterThan(2);
  expect(keys).toBeGreaterThan(2);
});

it('moves nothing for whoever asks for that', async () => {
  const moving = 'document.getAnimations().filter(({ playState }) => playState === "running").length';
  await inEachView({ reducedMotion: 'reduce' }, async (page, view) => {
    if (view === 'sessions') await page.waitForSelector('.badge.live');
    expect(await page.evaluate(moving), view).toBe(0);
    const delays = `[...document.querySelectorAll('*')].filter((one) => parseFloat(getComputedStyle(one).transitionDuration) > 0).length`;
    expect(await page.evaluate(delays), view).toBe(0);
  });
  // The twin: for others the sign of a live view breathes.
  const opened = await openConsole(browser, cluster, { reducedMotion: 'no-preference' });
  await signIn(opened, cluster.adminKey);
  await opened.page.waitForSelector('.badge.live');
  expect(await opened.page.evaluate(moving)).toBe(1);
});

it.each(['/console', '/connect'])('%s names an icon that its policy allows, so that no browser looks for one elsewhere', async (path) => {
  const { page, faults, origin } = await openConsole(browser, cluster);
  await page.goto(`${origin}${path}`);
  const icon = `(async () => {
    const src = document.querySelector('link[rel="icon"]').href;
    const image = Object.assign(new Image(), { src });
    await image.decode();
    return image.naturalWidth;
  })()`;
  expect(await page.evaluate(icon)).toBeGreaterThan(0);
  expect(faults).toEqual([]);
});
