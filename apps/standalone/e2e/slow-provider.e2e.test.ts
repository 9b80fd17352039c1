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

/** The sentence on the page of a session whose own answer takes long. */
async function readPage(locale: string, sentence: string): Promise<void> {
  const origin = cluster.gateways[0]?.publicUrl ?? '';
  const { ticket } = await cluster.create(slowInstance(2 * SLOW_MS));
  const browser = await openBrowser();
  try {
    const { page } = await openPage(browser, { allowed: [origin], locale });
    await page.goto(`${origin}/connect#${ticket}`);
    await page.getByText(sentence).first().waitFor();
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
  await readPage('en-US', 'MAX is slow at the moment');
  await readPage('ru-RU', 'MAX сейчас отвечает медленно');

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
