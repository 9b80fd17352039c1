/** Retries of callbacks and notifications while the clock of the worker's machine is set. */

import { workParts } from '@qrcast/runtime/redis/work-parts';
import { prepareWallClock } from '@qrcast/runtime/test/wall-clock';
import { describe, expect, it } from 'vitest';
import { prepareCallbacks, type TestCallbacks } from '../../test/callbacks.ts';

const HOUR_MS = 3_600_000;
const wallClock = prepareWallClock();
const { receiver, callbacks } = prepareCallbacks();

/** Refuses the first request for two seconds. `apartMs` is the time between the first two. */
async function refusingReceiver() {
  const server = await receiver();
  const times: number[] = [];
  server.answer(() => (times.push(performance.now()) === 1 ? { status: 503, headers: { 'retry-after': '2' } } : 204));
  return { server, apartMs: () => (times[1] ?? 0) - (times[0] ?? 0) };
}

/** Set before, the clock would be the same when the time is chosen and when it is judged. */
async function untilItWaits({ runtime: { redis, namespace } }: TestCallbacks, mark: string): Promise<void> {
  const marks = async () => (await Promise.all(workParts(namespace, redis).map((part) => redis.zrange(part.outboxKey, '0', '-1')))).flat();
  await expect.poll(marks).toContainEqual(expect.stringContaining(mark));
}

describe('a retry', () => {
  it.each([2 * HOUR_MS, -2 * HOUR_MS])('of a callback comes at its time when the clock is set by %i ms', async (byMs) => {
    const { server, apartMs } = await refusingReceiver();
    const test = await callbacks([server]);
    const tenant = await test.tenant({ callback: server.url });
    await test.end(tenant);
    await untilItWaits(test, 'due|deliver|');
    wallClock.shift(byMs);
    await server.until(2); // set back, the clock would come here in two hours
    expect(apartMs()).toBeGreaterThanOrEqual(1_990);
    await test.untilLogged(tenant, 'delivered');
  });

  it.each([2 * HOUR_MS, -2 * HOUR_MS])('of a notification comes at its time when the clock is set by %i ms', async (byMs) => {
    const { server, apartMs } = await refusingReceiver();
    const test = await callbacks([server]);
    const tenant = await test.tenant({ relay: server.url });
    const lane = { tenantId: tenant.id, instanceId: '1101' };
    await test.relay(lane, '{"n":1}');
    await untilItWaits(test, 'due|relay|');
    wallClock.shift(byMs);
    await test.relay(lane, '{"n":2}'); // does not bring the retry forward
    await server.until(3);
    expect(apartMs()).toBeGreaterThanOrEqual(1_990);
    expect(server.received.map(({ body }) => JSON.parse(body).data.n)).toEqual([1, 1, 2]);
  });
});
