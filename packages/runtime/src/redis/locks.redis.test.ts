import { afterAll, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import { openHeldRuntime, openHoldingProxy } from '../../test/holding-proxy.ts';
import { openTestRuntime, type TestRuntime } from '../../test/runtime.ts';
import { createLocks } from './locks.ts';

const LEASE_MS = 60_000;

let runtime: TestRuntime;
let key: string;
let names = 0;

beforeAll(() => {
  runtime = openTestRuntime(inject('redisUrl'));
});
afterAll(() => runtime.close());
beforeEach(() => {
  key = `${runtime.namespace}:lock-${names++}`;
});

const alone = <T>(run: () => Promise<T>, restMs?: number): Promise<T> =>
  createLocks(runtime).alone(key, { leaseMs: LEASE_MS, ...(restMs === undefined ? {} : { restMs }), taken: () => new Error('taken') }, run);

it('a lock is held for the lease while its holder runs, and is free again at once', async () => {
  const left = await alone(async () => {
    await expect(alone(async () => 'second')).rejects.toThrow('taken');
    return runtime.redis.pttl(key);
  });
  expect(left).toBeLessThanOrEqual(LEASE_MS);
  expect(left).toBeGreaterThan(LEASE_MS / 2);
  expect(await alone(async () => 'next')).toBe('next');
});

it('a lock whose holder fails is free again, and the failure is thrown', async () => {
  await expect(alone(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(await runtime.redis.exists(key)).toBe(0);
});

it('nobody takes a lock during its rest, which then ends by itself', async () => {
  await alone(async () => undefined, 30_000);
  await expect(alone(async () => 'second')).rejects.toThrow('taken');
  const left = await runtime.redis.pttl(key);
  expect(left).toBeLessThanOrEqual(30_000);
  expect(left).toBeGreaterThan(15_000);
});

it.each([0, 30_000])('a lock that another caller has taken meanwhile is left alone (rest: %i ms)', async (restMs) => {
  await alone(() => runtime.redis.set(key, 'another', 'PX', LEASE_MS), restMs);
  expect(await runtime.redis.get(key)).toBe('another');
  expect(await runtime.redis.pttl(key)).toBeGreaterThan(30_000);
});

it.each([
  ['is run', null, 'ran'],
  ['(twin) is not run if another caller has the lock', 'another', 'taken'],
])('a caller whose reply was lost %s', async (_what, other, expected) => {
  const direct = openTestRuntime(inject('serverUrl'));
  const proxy = await openHoldingProxy(Number(new URL(direct.redisUrl).port));
  const proxied = await openHeldRuntime(proxy, direct.redisUrl);
  const locks = createLocks(proxied);
  const options = { leaseMs: LEASE_MS, taken: () => new Error('taken') };
  try {
    await locks.alone(`${key}-before`, options, async () => undefined); // so that Redis knows the script
    if (other !== null) await direct.redis.set(key, other, 'PX', LEASE_MS);
    proxy.hold(true);
    const calls = proxy.count('evalsha');
    const result = locks.alone(key, options, async () => 'ran').catch((error: Error) => error.message);
    await proxy.until('evalsha', calls + 1);
    while ((await direct.redis.exists(key)) === 0);
    proxy.hold(false);
    proxy.cut();
    expect(await result).toBe(expected);
    expect(await direct.redis.get(key)).toBe(other);
  } finally {
    await Promise.all([proxied.close(), direct.close()]);
    await proxy.close();
  }
});
