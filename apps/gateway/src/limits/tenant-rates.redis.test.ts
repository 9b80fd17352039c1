import type { RefusedError } from '@qrcast/core/errors';
import { DEFAULT_TENANT_LIMITS } from '@qrcast/core/tenant-limits';
import { openTestRuntime } from '@qrcast/runtime/test/runtime';
import { afterAll, afterEach, beforeAll, expect, inject, it, vi } from 'vitest';
import { createLimitOf } from './tenant-limits.ts';
import { createTenantRates, type TenantRates } from './tenant-rates.ts';

let runtimes: ReturnType<typeof openTestRuntime>[];
let rates: readonly TenantRates[];
beforeAll(() => {
  const first = openTestRuntime(inject('redisUrl'));
  runtimes = [first, openTestRuntime(inject('redisUrl'), first.namespace)];
  rates = runtimes.map((runtime) => createTenantRates({ ...runtime, limitOf: createLimitOf(DEFAULT_TENANT_LIMITS) }));
});
afterEach(() => void vi.restoreAllMocks());
afterAll(() => Promise.all(runtimes.map((runtime) => runtime.close())));

/** How many of `count` calls at once are admitted. */
async function taken(id: string, perMinute: number, count: number): Promise<number> {
  const tenant = { id, limits: { requestsPerMinute: perMinute } };
  const calls = Array.from({ length: count }, (_, i) => rates[i % 2]?.take(tenant, 'requestsPerMinute'));
  return (await Promise.allSettled(calls)).filter(({ status }) => status === 'fulfilled').length;
}

/** Tokens that are added while the test runs, and one under way. */
const refilled = (perMinute: number, sinceMs: number): number => Math.ceil(((performance.now() - sinceMs) * perMinute) / 60_000) + 1;

it.each([
  ['one by one', 500],
  ['ahead', 6_000],
])('two gateways that take tokens %s give almost the limit, and never more', async (_name, perMinute) => {
  const startedAt = performance.now();
  let sum = 0;
  for (let round = 0; round < 4; round++) sum += await taken(`acme-${perMinute}`, perMinute, perMinute / 2);
  expect(sum).toBeLessThanOrEqual(perMinute + refilled(perMinute, startedAt));
  expect(sum).toBeGreaterThanOrEqual(perMinute - 2 * Math.floor(perMinute / 600));
});

it('a call that counts as several takes all its tokens or none, and leaves the tokens if they are too few', async () => {
  const startedAt = performance.now();
  const tenant = { id: 'large', limits: { requestsPerMinute: 100 } };
  const take = (count?: number, by = rates[0]) =>
    by?.take(tenant, 'requestsPerMinute', count).then(
      () => true,
      () => false,
    );
  expect(await Promise.all([take(40), take(40), take(40), take(10)])).toEqual([true, true, false, true]);
  expect(await take(40)).toBe(false);
  const others = await Promise.all(Array.from({ length: 30 }, () => take()));
  expect(others.filter((isTaken) => isTaken).length).toBeGreaterThanOrEqual(10);
  expect(others.filter((isTaken) => isTaken).length).toBeLessThanOrEqual(10 + refilled(100, startedAt));
});

it('a call that counts as more than the limit takes the whole bucket, or is refused until it is full again', async () => {
  const tenant = { id: 'larger', limits: { requestsPerMinute: 20 } };
  const take = () => rates[0]?.take(tenant, 'requestsPerMinute', 64);
  await take();
  for (let time = 0; time < 2; time++) {
    const refused = await take()?.then(
      () => null,
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({ code: 'too_many_requests' });
    const { retryAfterMs = 0 } = refused as RefusedError;
    expect(retryAfterMs).toBeGreaterThan(50_000);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
  }
});

it('calls to an empty bucket do not ask Redis', async () => {
  await taken('hostile', 2, 4);
  const commands = runtimes.map(({ redis }) => vi.spyOn(redis, 'sendCommand'));
  expect(await taken('hostile', 2, 1_000)).toBe(0);
  for (const spy of commands) expect(spy).not.toHaveBeenCalled();
  await runtimes[0]?.redis.ping();
  expect(commands[0]).toHaveBeenCalledOnce(); // the twin: a command would be counted
});

it('the call that empties a bucket is the last to ask Redis', async () => {
  const tenant = { id: 'emptied', limits: { requestsPerMinute: 2 } };
  await Promise.all([rates[0]?.take(tenant, 'requestsPerMinute'), rates[0]?.take(tenant, 'requestsPerMinute')]);
  const [commands] = runtimes.map(({ redis }) => vi.spyOn(redis, 'sendCommand'));
  await expect(rates[0]?.take(tenant, 'requestsPerMinute')).rejects.toMatchObject({ code: 'too_many_requests' });
  expect(commands).not.toHaveBeenCalled();
});

it('a lower limit applies at once', async () => {
  expect(await taken('lowered', 1_000, 10)).toBe(10);
  expect(await taken('lowered', 5, 100)).toBeLessThanOrEqual(5);
  expect(await taken('lowered', 0, 10)).toBe(0);
});
