/** What statistics and weather ask of Redis, however often they are asked for. */

import { createStatisticsReader } from '@qrcast/runtime/statistics/statistics';
import { openRedisMonitor } from '@qrcast/runtime/test/monitor';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { ADMIN_KEY, openTestGateway, type TestGateway } from '../../test/gateway.ts';

let test: TestGateway;
beforeEach(async () => {
  test = await openTestGateway();
});
afterEach(() => test.close());

/** Counts the hashes whose name has `part` that are read while `act` runs. */
async function readsOf(part: string, act: () => Promise<unknown>): Promise<number> {
  const monitor = await openRedisMonitor(inject('redisServers'));
  let count = 0;
  const end = `end-of-${crypto.randomUUID()}`;
  const seen = Promise.withResolvers<void>();
  monitor.on('monitor', (_time: string, [command = '', key = '']: string[]) => {
    if (key === end) seen.resolve();
    if (/^hgetall$/i.test(command) && key.startsWith(test.namespace) && key.includes(part)) count++;
  });
  try {
    await act();
    await test.node.redis.exists(end); // a server tells its commands in their order
    await seen.promise;
    return count;
  } finally {
    monitor.disconnect();
  }
}

const get = (path: string, secret = test.tenant.apiKey) => test.call('GET', path, { secret });
const inTurn = async (times: number, act: () => Promise<unknown>): Promise<void> => {
  for (let i = 0; i < times; i++) await act();
};

it('a week of statistics is read once for many calls of one tenant', async () => {
  const { id } = test.tenant;
  const shared = await readsOf(`{tenant:${id}}:statistics`, async () => {
    await Promise.all(Array.from({ length: 5 }, () => get('/v1/statistics?hours=168')));
    await inTurn(5, () => get('/v1/statistics?hours=168'));
    for (let hours = 100; hours < 110; hours++)
      expect(JSON.parse((await get(`/v1/statistics?hours=${hours}`)).text).hours.length).toBe(hours);
  });
  expect([168, 336]).toContain(shared); // twice if this took longer than a reading is kept
  // The twin: without sharing, each call reads all hours.
  const reader = createStatisticsReader({ ...test.node, namespace: test.namespace });
  expect(await readsOf(`{tenant:${id}}:statistics`, () => inTurn(5, () => reader.read(id, 168)))).toBe(5 * 168);
});

it('no tenant is told the statistics of another', async () => {
  const other = await test.newTenant();
  await get('/v1/statistics?hours=24');
  const reads = await readsOf(`{tenant:${other.id}}:statistics`, () => get('/v1/statistics?hours=24', other.apiKey));
  expect(reads).toBe(24);
});

it('the weather is read once for many calls', async () => {
  const reads = await readsOf(':weather:', () => inTurn(5, () => get('/v1/admin/weather?minutes=60', ADMIN_KEY)));
  expect([60, 120]).toContain(reads);
});
