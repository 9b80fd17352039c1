/** A provider that answers everybody slowly: who waits is told, codes stay, and the operator sees it. */

import { weatherSchema } from '@qrcast/core/weather';
import type { Instance } from '@qrcast/simulator/instance';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { openBrowser } from '../test/browser.ts';
import { type Cluster, openCluster, type Viewer } from '../test/cluster.ts';
import { openPage } from '../test/page.ts';

/** Longer than a host that is well needs, and shorter than what is told of a single request (8 s). */
const SLOW_MS = 3_500;
/** Enough for a host to count as slow after the first answer to each. */
const SESSIONS = 8;

let cluster: Cluster;
const instances: Instance[] = [];
beforeAll(async () => {
  cluster = await openCluster({ redisUrl: inject('redisUrl'), gateways: 1, workers: 1 });
});
afterAll(() => cluster.close());

function slowInstance(ms = SLOW_MS): Instance {
  const instance = cluster.newInstance();
  instance.fail('*', 'hang', { ms, times: 'always' });
  instances.push(instance);
  return instance;
}

const watch = async (instance: Instance): Promise<Viewer> => cluster.view((await cluster.create(instance)).ticket);
const isShowing = ({ state }: Viewer['sessions'][number]): boolean => state === 'showing';

async function stateOfHost(): Promise<string | undefined> {
  const headers = { authorization: `Bearer ${cluster.adminKey}` };
  const response = await fetch(`${cluster.gateways[0]?.publicUrl}/v1/admin/weather`, { headers });
  const { hosts } = weatherSchema.parse(await response.json());
  return hosts.find(({ host }) => cluster.simulator.url.endsWith(host))?.state;
}

/** The page keeps what it says of the notice, because the next state may come before anybody looks. */
const KEEP_WORDS = `addEventListener('qrcast-session', ({ detail }) => {
  if (detail.notice?.code !== 'provider_slow') return;
  requestAnimationFrame(() => {
    document.documentElement.dataset.said = document.querySelector('qrcast-login').shadowRoot.textContent;
  });
})`;

/** What the page says of a slow provider, to a person of this language. */
async function wordsOfPage(locale: string): Promise<string> {
  const origin = cluster.gateways[0]?.publicUrl ?? '';
  const { ticket } = await cluster.create(slowInstance(2 * SLOW_MS));
  const browser = await openBrowser();
  try {
    const { page } = await openPage(browser, { allowed: [origin], locale });
    await page.addInitScript(KEEP_WORDS);
    await page.goto(`${origin}/connect#${ticket}`);
    return (await (await page.waitForSelector('html[data-said]')).getAttribute('data-said')) ?? '';
  } finally {
    await browser.close();
  }
}

it('tells who waits, leaves codes alone, and is over when the provider answers as usual', async () => {
  const early = await Promise.all(Array.from({ length: SESSIONS }, () => watch(slowInstance())));
  for (const viewer of early) await viewer.until(isShowing);
  const late = await watch(slowInstance());
  expect(await late.until(({ notice }) => notice?.code === 'provider_slow')).toMatchObject({ state: 'waiting', code: null });
  expect(await late.until(isShowing)).toMatchObject({ notice: null });
  await expect.poll(stateOfHost).toBe('slow');
  expect(await wordsOfPage('en-US')).toContain('MAX is slow at the moment');
  expect(await wordsOfPage('ru-RU')).toContain('MAX сейчас отвечает медленно');

  const shown = [...early, late].flatMap(({ sessions }) => sessions.filter(isShowing));
  expect(shown.filter(({ notice }) => notice !== null)).toEqual([]);
  expect(early.map(({ sessions }) => sessions.slice(sessions.findIndex(isShowing)).filter((one) => !isShowing(one)))).toEqual(
    early.map(() => []),
  );

  for (const instance of instances) instance.clearFaults();
  const noticesOfNext = async (): Promise<readonly unknown[]> => {
    const viewer = await watch(cluster.newInstance());
    await viewer.until(isShowing);
    return viewer.sessions.flatMap(({ notice }) => notice ?? []);
  };
  await expect.poll(noticesOfNext).toEqual([]);
});
