/** `live-claim-1.lua`, one call each: every rule of it, without sessions and gateways. */

import { loadLuaScript } from '@qrcast/runtime/redis/lua-script';
import { openTestRuntime, type TestRuntime } from '@qrcast/runtime/test/runtime';
import { afterAll, beforeAll, beforeEach, expect, inject, it } from 'vitest';

const HOUR_MS = 3_600_000;

let runtime: TestRuntime;
let key: string;
let tenants = 0;
/** Now, as the script is told. */
let now = 0;

beforeAll(() => {
  runtime = openTestRuntime(inject('redisUrl'));
});
afterAll(() => runtime.close());
beforeEach(() => {
  key = `${runtime.namespace}:live-${tenants++}`;
  now = Date.now(); // the real time, because Redis expires keys by its own
});

interface Claim {
  readonly session: string;
  readonly until?: number;
  readonly limit?: number;
  readonly replaced?: string;
}

function claim({ session, until = now + HOUR_MS, limit = 2, replaced = '' }: Claim): Promise<unknown> {
  const script = loadLuaScript(runtime.redis, new URL('./live-claim-1.lua', import.meta.url));
  return script([key], [session, until, now, limit, replaced]);
}
const live = (): Promise<string[]> => runtime.redis.zrange(key, 0, '-1');

it('counts as many sessions as the limit, and each of them once', async () => {
  expect(await claim({ session: 'a' })).toBe(1);
  expect(await claim({ session: 'b' })).toBe(1);
  expect(await claim({ session: 'c' })).toBe(0);
  expect(await claim({ session: 'a', until: now + 2 * HOUR_MS })).toBe(1);
  expect(await runtime.redis.zrange(key, 0, '-1', 'WITHSCORES')).toEqual(['b', String(now + HOUR_MS), 'a', String(now + 2 * HOUR_MS)]);
});

it('counts no session that has expired', async () => {
  await runtime.redis.zadd(key, now, 'a', now + 1, 'b');
  expect(await claim({ session: 'c' })).toBe(1);
  expect(await live()).toEqual(['b', 'c']);
});

it('takes a replacement for a session that counts, even above a limit that was lowered, and for no other', async () => {
  await runtime.redis.zadd(key, now + HOUR_MS, 'a', now + HOUR_MS, 'b');
  expect(await claim({ session: 'c', replaced: 'gone', limit: 1 })).toBe(0);
  expect(await live()).toEqual(['a', 'b']);
  expect(await claim({ session: 'c', replaced: 'a', limit: 1 })).toBe(1);
  expect(await live()).toEqual(['b', 'c']);
});

it('is kept until the last session expires', async () => {
  const [soon, late] = [now + HOUR_MS, now + 2 * HOUR_MS];
  await claim({ session: 'a', until: soon });
  expect(await runtime.redis.pexpiretime(key)).toBe(soon);
  await claim({ session: 'b', until: late });
  expect(await runtime.redis.pexpiretime(key)).toBe(late);
  await claim({ session: 'a', until: soon });
  expect(await runtime.redis.pexpiretime(key)).toBe(late);
});
