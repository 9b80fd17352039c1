/** Damaged links, and the small text pages that answer them, in Chromium. */

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openBrowser } from '../test/browser.ts';
import { type Cluster, openCluster } from '../test/cluster.ts';
import { doubleText, findBarriers, isTooWide, openPage, SMALL_PHONE, untilState } from '../test/page.ts';

let browser: Browser;
let cluster: Cluster;
let origin: string;

beforeAll(async () => {
  [browser, cluster] = await Promise.all([openBrowser(), openCluster({ redisUrl: inject('redisUrl') })]);
  origin = cluster.gateways[0]?.publicUrl ?? '';
});
afterAll(async () => {
  await browser.close();
  await cluster.close();
});

describe.concurrent('damage in the fragment is repaired', () => {
  it.each<[what: string, fragmentOf: (ticket: string) => string]>([
    ['a full stop', (ticket) => `${ticket}.`],
    ['Markdown', (ticket) => `${ticket})](https://elsewhere.example)`],
    ['a space and tracking', (ticket) => `${ticket}%20&utm_source=mail`],
    ['a wrapped line and a zero-width space', (ticket) => `${ticket.slice(0, 50)}%0D%0A\u200b${ticket.slice(50)}`],
    ['encoded dots', (ticket) => ticket.replaceAll('.', '%2E')],
  ])('%s', async (_what, fragmentOf) => {
    const { ticket } = await cluster.create(cluster.newInstance());
    const { page, faults } = await openPage(browser, { allowed: [origin] });
    await page.goto(`${origin}/connect/?utm_source=mail#${fragmentOf(ticket)}`);
    await untilState(page, 'showing');
    expect(page.url()).not.toContain('#');
    expect(faults).toEqual([]);
    await page.context().close();
  });
});

const LOOKS = [
  { locale: 'ru-RU', colorScheme: 'dark', title: 'Ссылка повреждена' },
  { locale: 'en-GB', colorScheme: 'light', title: 'This link is damaged' },
] as const;

describe.concurrent.each(LOOKS)('the page in words, $locale and $colorScheme', ({ title, ...look }) => {
  it('has no accessibility barrier, fits a small phone with larger letters, and requests nothing', async () => {
    const { page } = await openPage(browser, { allowed: [], ...SMALL_PHONE, ...look });
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    const { ticket } = await cluster.create(cluster.newInstance());
    await page.goto(`${origin}/connect%23${ticket}`);
    await page.getByRole('heading', { name: title }).waitFor();
    expect(asked.filter((url) => !url.startsWith('data:'))).toEqual([`${origin}/connect%23${ticket}`]);
    expect(await page.content()).not.toContain(ticket);
    expect(await page.evaluate('getComputedStyle(document.querySelector(".card")).borderRadius')).not.toBe('0px'); // the policy allows its style
    expect(await findBarriers(page)).toEqual([]);
    await doubleText(page);
    expect(await isTooWide(page)).toBe(false);
    await page.context().close();
  });

  it.each(['/', '/nothing'])('has no accessibility barrier at %s', async (path) => {
    const { page } = await openPage(browser, { allowed: [origin], ...look });
    await page.goto(`${origin}${path}`);
    await page.getByRole('heading').waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await page.context().close();
  });
});
