/** `/docs` of a running gateway, as people see it in Chromium. */

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openBrowser } from '../test/browser.ts';
import { type Cluster, openCluster } from '../test/cluster.ts';
import { doubleText, findBarriers, isTooWide, openPage, type PageOptions, PHONE, SMALL_PHONE, type WatchedPage } from '../test/page.ts';

let browser: Browser;
let cluster: Cluster;

beforeAll(async () => {
  [browser, cluster] = await Promise.all([openBrowser(), openCluster({ redisUrl: inject('redisUrl'), workers: 0 })]);
});
afterAll(async () => {
  await browser.close();
  await cluster.close();
});

const origin = (): string => cluster.gateways[0]?.publicUrl ?? '';

async function openDocs(options: Omit<PageOptions, 'allowed'>): Promise<WatchedPage> {
  const watched = await openPage(browser, { allowed: [origin()], ...options });
  await watched.page.goto(`${origin()}/docs`);
  return watched;
}

const DESK = { viewport: { width: 1440, height: 900 } } as const;
const TABLET = { viewport: { width: 1024, height: 768 } } as const;

// The page is long, so a busy machine needs some seconds for it.
describe('the docs page', () => {
  it.each<[name: string, options: Omit<PageOptions, 'allowed'>]>([
    ['on a desk, light', { ...DESK, colorScheme: 'light' }],
    ['on a small phone, dark', { ...SMALL_PHONE, colorScheme: 'dark' }],
  ])('has no accessibility barrier: %s', async (_name, options) => {
    const { page } = await openDocs(options);
    expect(await findBarriers(page)).toEqual([]);
    await page.context().close();
  });

  it.each<[name: string, options: Omit<PageOptions, 'allowed'>]>([
    ['on a desk', DESK],
    ['on a tablet', TABLET],
    ['on a phone', PHONE],
    ['on a small phone', SMALL_PHONE],
  ])('has no error, and nothing wider than the screen: %s', async (_name, options) => {
    const { page, faults } = await openDocs(options);
    expect(await isTooWide(page)).toBe(false);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it('can be read with larger letters on a small phone', async () => {
    const { page } = await openDocs(SMALL_PHONE);
    await doubleText(page);
    expect(await isTooWide(page)).toBe(false);
    await page.context().close();
  });

  it('has its style, and its table of contents leads to the calls', async () => {
    const { page } = await openDocs(DESK);
    expect(await page.evaluate('getComputedStyle(document.body).display')).toBe('grid');
    await page.getByRole('navigation').getByRole('link', { name: "Send the account's cloud password" }).click();
    expect(page.url()).toBe(`${origin()}/docs#sendPassword`);
    await page.getByRole('heading', { name: "Send the account's cloud password" }).waitFor();
    await page.context().close();
  });

  it('prints without the parts that are for the screen only', async () => {
    const { page } = await openDocs({});
    await page.emulateMedia({ media: 'print' });
    expect(await page.getByRole('navigation').isVisible()).toBe(false);
    expect(await page.getByRole('heading', { name: 'Errors' }).isVisible()).toBe(true);
    await page.context().close();
  });
});
