import { lastNotificationsKey } from '@qrcast/runtime/redis/keys';
import { openTestRuntime, type TestRuntime } from '@qrcast/runtime/test/runtime';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { createLastNotifications, type LastNotifications } from './last-notifications.ts';

const START = 1_790_000_000_000;
const DAY_MS = 86_400_000;

let runtime: TestRuntime;
let now: number;
let last: LastNotifications;
beforeEach(() => {
  runtime = openTestRuntime(inject('redisUrl'));
  now = START;
  last = createLastNotifications({ ...runtime, clock: { now: () => now } });
});
afterEach(() => runtime.close());

it('returns the last one of each instance and tenant', async () => {
  expect(await last.read('acme', '1')).toBeNull();
  await last.note('acme', '1');
  now += 60_000;
  await last.note('acme', '2');
  expect([await last.read('acme', '1'), await last.read('acme', '2'), await last.read('other', '1')]).toEqual([START, now, null]);
});

it('writes at most once in ten seconds, and never an earlier time', async () => {
  await last.note('acme', '1');
  now += 9_999;
  await last.note('acme', '1');
  expect(await last.read('acme', '1')).toBe(START);
  now += 1;
  await last.note('acme', '1');
  expect(await last.read('acme', '1')).toBe(START + 10_000);
  const behind = createLastNotifications({ ...runtime, clock: { now: () => START - 5_000 } }); // another gateway
  await behind.note('acme', '1');
  expect(await last.read('acme', '1')).toBe(START + 10_000);
});

it('forgets after a week, and leaves nothing behind', async () => {
  await last.note('acme', '1');
  now += 7 * DAY_MS + 1;
  expect(await last.read('acme', '1')).toBeNull();
  await last.note('acme', '2');
  expect(await runtime.redis.zcard(lastNotificationsKey(runtime.namespace, 'acme'))).toBe(1);
  expect(await runtime.redis.pttl(lastNotificationsKey(runtime.namespace, 'acme'))).toBeGreaterThan(6 * DAY_MS);
});

it('keeps a bounded number of instances, the newest ones, whatever ids are notified', async () => {
  const key = lastNotificationsKey(runtime.namespace, 'acme');
  const known = Array.from({ length: 10_000 }, (_, i) => [START - 10_000 + i, `old-${i}`] as const);
  await runtime.redis.zadd(key, ...known.flat());
  await last.note('acme', 'new');
  expect(await runtime.redis.zcard(key)).toBe(10_000);
  expect(await last.read('acme', 'old-0')).toBeNull();
  expect(await last.read('acme', 'new')).toBe(START);
});

it('does not fail a notification if Redis cannot be written, and tries again with the next', async () => {
  const key = lastNotificationsKey(runtime.namespace, 'acme');
  await runtime.redis.set(key, 'no sorted set');
  await expect(last.note('acme', '1')).resolves.toBeUndefined();
  await runtime.redis.del(key);
  await last.note('acme', '1');
  expect(await last.read('acme', '1')).toBe(START);
});
