/** The rules of `session-commit-2.lua` that no other test of this package shows: what it answers, and the callbacks it stores. */

import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { openTestRuntime, type TestRuntime } from '../../test/runtime.ts';
import { sessionCallbacksKey, sessionKey } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';

const DAY_MS = 86_400_000;

let runtime: TestRuntime;
let session: string;
let callbacks: string;
let sessions = 0;

beforeAll(() => {
  runtime = openTestRuntime(inject('redisUrl'));
});
afterAll(() => runtime.close());
beforeEach(() => {
  const id = `ses_${sessions++}`;
  session = sessionKey(runtime.namespace, id);
  callbacks = sessionCallbacksKey(runtime.namespace, id);
});

interface Commit {
  readonly expected: string;
  readonly version: string;
  readonly callback?: string;
}

function commit({ expected, version, callback = '' }: Commit): Promise<unknown> {
  const script = loadLuaScript(runtime.redis, new URL('./session-commit-2.lua', import.meta.url));
  return script([session, callbacks], [expected, version, `record ${version}`, '', `${session}:channel`, '', '', callback]);
}

describe('session-commit', () => {
  it('writes nothing where there is no such session, and answers 0', async () => {
    expect(await commit({ expected: '1', version: '2', callback: 'one' })).toBe(0);
    expect(await runtime.redis.exists(session, callbacks)).toBe(0);
  });

  it('writes nothing over another version, and answers what stands', async () => {
    await commit({ expected: '0', version: '1' });
    for (const expected of ['0', '2']) expect(await commit({ expected, version: '3', callback: 'one' })).toBe('record 1');
    expect(await runtime.redis.hgetall(session)).toEqual({ version: '1', record: 'record 1' });
    expect(await runtime.redis.exists(callbacks)).toBe(0);
  });

  it('stores callbacks in their order, for a day after the last', async () => {
    expect(await commit({ expected: '0', version: '1' })).toBe(1);
    expect(await runtime.redis.exists(callbacks)).toBe(0);
    await commit({ expected: '1', version: '2', callback: 'one' });
    await runtime.redis.pexpire(callbacks, 60_000);
    await commit({ expected: '2', version: '3', callback: 'two' });
    expect(await runtime.redis.lrange(callbacks, 0, -1)).toEqual(['one', 'two']);
    const left = await runtime.redis.pttl(callbacks);
    expect(left).toBeLessThanOrEqual(DAY_MS);
    expect(left).toBeGreaterThan(DAY_MS - 3_600_000);
  });
});
