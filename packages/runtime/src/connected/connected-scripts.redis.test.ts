/** The two scripts: checks, what a drop leaves, and how long the lists are kept. */

import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { openTestRuntime, type TestRuntime } from '../../test/runtime.ts';
import { loadLuaScript } from '../redis/lua-script.ts';

const DAY_MS = 86_400_000;

let runtime: TestRuntime;
let keys: readonly [instance: string, all: string, checks: string, callbacks: string];
let instances = 0;

beforeAll(() => {
  runtime = openTestRuntime(inject('redisUrl'));
});
afterAll(() => runtime.close());
beforeEach(() => {
  const tag = `${runtime.namespace}:{${instances++}}`;
  keys = [`${tag}:instance`, `${tag}:all`, `${tag}:checks`, `${tag}:callbacks`];
});

interface Write {
  readonly expected: string;
  readonly record: string;
  readonly credentials?: string;
  readonly keepUntil?: number;
  readonly callback?: string;
}

function write({ expected, record, credentials = '', keepUntil = Date.now() + DAY_MS, callback = '' }: Write): Promise<unknown> {
  const script = loadLuaScript(runtime.redis, new URL('./connected-write-4.lua', import.meta.url));
  return script(keys, [expected, record, credentials, keepUntil, 'one', credentials === '' ? '' : 5_000, callback]);
}

describe('connected-write', () => {
  it('removes an instance without credentials from the checks', async () => {
    expect(await write({ expected: '', record: 'a', credentials: 'sealed' })).toBe(1);
    expect(await runtime.redis.zscore(keys[2], 'one')).toBe('5000');
    expect(await write({ expected: 'a', record: 'b', credentials: '-' })).toBe(2);
    expect(await runtime.redis.zscore(keys[2], 'one')).toBeNull();
    expect(await runtime.redis.hgetall(keys[0])).toEqual({ record: 'b' });
  });

  it("keeps a tenant's list as long as its longest-lived instance", async () => {
    const [soon, late] = [Date.now() + DAY_MS, Date.now() + 2 * DAY_MS];
    await write({ expected: '', record: 'a', keepUntil: soon });
    expect(await runtime.redis.pexpiretime(keys[1])).toBe(soon);
    await write({ expected: 'a', record: 'b', keepUntil: late });
    expect(await runtime.redis.pexpiretime(keys[1])).toBe(late);
    await write({ expected: 'b', record: 'c', keepUntil: soon });
    expect(await runtime.redis.pexpiretime(keys[1])).toBe(late);
    expect(await runtime.redis.pexpiretime(keys[0])).toBe(soon);
  });

  it('stores callbacks in their order, for a day after the last', async () => {
    await write({ expected: '', record: 'a' });
    expect(await runtime.redis.exists(keys[3])).toBe(0);
    await write({ expected: 'a', record: 'b', callback: 'one' });
    await runtime.redis.pexpire(keys[3], 60_000);
    await write({ expected: 'b', record: 'c', callback: 'two' });
    expect(await write({ expected: 'b', record: 'd', callback: 'three' })).toBe(0);
    expect(await runtime.redis.lrange(keys[3], 0, -1)).toEqual(['one', 'two']);
    const left = await runtime.redis.pttl(keys[3]);
    expect(left).toBeLessThanOrEqual(DAY_MS);
    expect(left).toBeGreaterThan(DAY_MS - 3_600_000);
  });
});

describe('connected-drop', () => {
  const drop = (record: '1' | ''): Promise<unknown> =>
    loadLuaScript(runtime.redis, new URL('./connected-drop-3.lua', import.meta.url))(keys.slice(0, 3), ['one', record]);

  it('deletes the credentials and the check, and the record only on request', async () => {
    await write({ expected: '', record: 'a', credentials: 'sealed' });
    expect(await drop('')).toBe(1);
    expect(await runtime.redis.hgetall(keys[0])).toEqual({ record: 'a' });
    expect([await runtime.redis.zcard(keys[1]), await runtime.redis.zcard(keys[2])]).toEqual([1, 0]);
    expect(await drop('1')).toBe(0);
    expect(await runtime.redis.exists(keys[0], keys[1])).toBe(0);
  });
});
