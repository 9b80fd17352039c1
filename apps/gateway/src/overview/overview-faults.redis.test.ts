/** The overview while Redis is broken, and what it asks of Redis. */

import { openRedisMonitor } from '@qrcast/runtime/test/monitor';
import { openTestProxy, type TestProxy } from '@qrcast/runtime/test/proxy';
import { afterEach, expect, inject, it } from 'vitest';
import { ADMIN_KEY, openTestGateway, type TestGateway } from '../../test/gateway.ts';
import { openOverviewReader } from '../../test/overview-reader.ts';

let test: TestGateway;
let proxy: TestProxy | undefined;
afterEach(async () => {
  proxy?.refuse(false);
  await test.close();
  await proxy?.close();
  proxy = undefined;
});

it('keeps its stream while Redis is broken, says that nothing is new, and goes on when it is back', async () => {
  const redisUrl = new URL(inject('serverUrl'));
  proxy = await openTestProxy(Number(redisUrl.port));
  redisUrl.port = String(proxy.port);
  test = await openTestGateway({ redisUrl: redisUrl.href });
  const { session } = await test.create();
  const reader = await openOverviewReader(test.url, test.tenant.apiKey);
  await expect.poll(() => reader.shown.get(session.id)?.state).toBe('idle');

  proxy.refuse(true);
  proxy.cut();
  // The twin: without a last reading, a call has nothing to answer.
  expect((await test.call('GET', '/v1/admin/sessions', { secret: ADMIN_KEY })).body.code).toBe('unavailable');
  await expect.poll(() => reader.text()).toContain('\n: Redis does not answer; the sessions that you have are the last known\n');
  expect([reader.events.length, reader.shown.size]).toEqual([1, 1]);
  const late = await openOverviewReader(test.url, ADMIN_KEY, `/v1/admin/overview?tenantId=${test.tenant.id}`);
  await expect.poll(() => late.events[0]?.sessions.map(({ id }) => id)).toEqual([session.id]);

  await test.node.sessions.apply(session.id, { kind: 'cancelled', at: Date.now() }); // past the proxy
  proxy.refuse(false);
  for (const one of [reader, late]) await expect.poll(() => one.shown.get(session.id)?.end?.reason).toBe('cancelled');
  expect(reader.events.map(({ isFirst }) => isFirst)).toEqual([true, false]);
  for (const one of [reader, late]) one.leave();
});

it('asks Redis nothing once nobody looks', async () => {
  test = await openTestGateway();
  const other = await test.newTenant();
  const monitor = await openRedisMonitor(inject('redisServers'));
  const asked: string[] = [];
  monitor.on('monitor', (_time: string, [command = '', key = '']: string[]) => {
    if (/^(zrevrangebyscore|hkeys)$/i.test(command)) asked.push(key);
  });
  const isOf = (tenantId: string) => (key: string) => key.includes(tenantId);
  const readingsOf = (tenantId: string): number => asked.filter(isOf(tenantId)).length;
  try {
    await test.call('GET', '/v1/sessions');
    expect(asked).toEqual([]);
    const reader = await openOverviewReader(test.url, test.tenant.apiKey);
    await expect.poll(() => reader.events.length).toBe(1);
    reader.leave();
    await reader.ended.catch(() => undefined);
    const before = readingsOf(test.tenant.id);
    // As long as another one is read twice, this one is not.
    const looker = await openOverviewReader(test.url, other.apiKey);
    await expect.poll(() => readingsOf(other.id)).toBeGreaterThanOrEqual(3);
    looker.leave();
    expect(before).toBeGreaterThan(0);
    expect(readingsOf(test.tenant.id) - before).toBeLessThanOrEqual(1); // one may have been begun when it left
  } finally {
    monitor.disconnect();
  }
});

it('asks Redis no more for whoever opens and closes it again and again than for whoever stays', async () => {
  test = await openTestGateway();
  const stayer = await test.newTenant();
  const monitor = await openRedisMonitor(inject('redisServers'));
  const asked: string[] = [];
  monitor.on('monitor', (_time: string, [command = '', key = '']: string[]) => {
    if (/^zrevrangebyscore$/i.test(command)) asked.push(key);
  });
  const readingsOf = (tenantId: string): number => asked.filter((key) => key.includes(tenantId)).length;
  try {
    const looker = await openOverviewReader(test.url, stayer.apiKey);
    let opened = 0;
    for (; readingsOf(stayer.id) < 3; opened++) {
      const reader = await openOverviewReader(test.url, test.tenant.apiKey);
      await expect.poll(() => reader.events.length).toBe(1);
      reader.leave();
      await reader.ended.catch(() => undefined);
    }
    looker.leave();
    expect(opened).toBeGreaterThan(5);
    expect(readingsOf(test.tenant.id)).toBeLessThanOrEqual(readingsOf(stayer.id) + 1);
  } finally {
    monitor.disconnect();
  }
});
