/** `session-commit-3.lua` and `session-note-1.lua`: what they answer and store. */

import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { openTestRuntime, type TestRuntime } from '../../test/runtime.ts';
import { sessionCallbacksKey, sessionKey, viewersKey } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';
import { publishCommand } from '../redis/publish.ts';

const DAY_MS = 86_400_000;

let runtime: TestRuntime;
let session: string;
let callbacks: string;
let viewers: string;
let sessions = 0;

beforeAll(() => {
  runtime = openTestRuntime(inject('redisUrl'));
});
afterAll(() => runtime.close());
beforeEach(() => {
  const id = `ses_${sessions++}`;
  session = sessionKey(runtime.namespace, id);
  callbacks = sessionCallbacksKey(runtime.namespace, id);
  viewers = viewersKey(runtime.namespace, id);
});

interface Commit {
  readonly expected: string;
  readonly version: string;
  readonly callback?: string;
  readonly expectedStamp?: string;
  readonly stamp?: string;
  readonly line?: string;
  readonly traceparent?: string;
}

function commit({ expected, version, callback = '', expectedStamp = '', stamp = '', line = '', traceparent }: Commit): Promise<unknown> {
  const script = loadLuaScript(runtime.redis, new URL('./session-commit-3.lua', import.meta.url));
  return script(
    [session, callbacks, viewers],
    [
      expected,
      version,
      `record ${version}`,
      '',
      `${session}:channel`,
      '',
      '',
      callback,
      expectedStamp,
      stamp,
      publishCommand(runtime.redis),
      `lines ${version}`,
      line,
      ...(traceparent === undefined ? [] : [traceparent]),
    ],
  );
}

describe('session-commit', () => {
  it('writes nothing if there is no such session, and returns 0', async () => {
    expect(await commit({ expected: '1', version: '2', callback: 'one' })).toBe(0);
    expect(await runtime.redis.exists(session, callbacks)).toBe(0);
  });

  it('does not overwrite another version, and returns the stored one', async () => {
    await commit({ expected: '0', version: '1' });
    for (const expected of ['0', '2']) expect(await commit({ expected, version: '3', callback: 'one' })).toBe('record 1');
    expect(await runtime.redis.hgetall(session)).toEqual({ version: '1', record: 'record 1', stamp: '' });
    expect(await runtime.redis.exists(callbacks)).toBe(0);
  });

  it('writes nothing over a record of the same version from another past', async () => {
    await commit({ expected: '0', version: '1' });
    await commit({ expected: '1', version: '2', stamp: 'a' });
    expect(await commit({ expected: '2', version: '3', expectedStamp: 'b', stamp: 'c' })).toBe('record 2');
    expect(await commit({ expected: '2', version: '3', expectedStamp: 'a', stamp: 'c' })).toBe(1);
    expect(await runtime.redis.hgetall(session)).toEqual({ version: '3', record: 'record 3', stamp: 'c' });
  });

  it('goes by the version alone where an older release wrote, or did not know the stamp', async () => {
    await commit({ expected: '0', version: '1', stamp: 'a' });
    expect(await commit({ expected: '1', version: '2', stamp: 'b' })).toBe(1);
    await runtime.redis.hdel(session, 'stamp');
    expect(await commit({ expected: '2', version: '3', expectedStamp: 'a', stamp: 'c' })).toBe(1);
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

  it('publishes the counts of the viewers before the state, and writes whatever is at their key', async () => {
    const published: string[] = [];
    runtime.bus.subscribe(`${session}:channel`, (message) => void published.push(String(message)));
    await runtime.bus.begun();
    await commit({ expected: '0', version: '1' });
    await runtime.redis.hset(viewers, 'a', '1:9', 'b', '2:9');
    await commit({ expected: '1', version: '2' });
    await runtime.redis.set(viewers, 'not a hash');
    expect(await commit({ expected: '2', version: '3' })).toBe(1);
    await expect.poll(() => published.length).toBe(3);
    expect(published).toEqual(['3\nlines 1', '3 a 1:9 b 2:9\nlines 2', '3\nlines 3']);
  });

  it('publishes the traceparent of a change before the counts, as a pair like theirs', async () => {
    const published: string[] = [];
    runtime.bus.subscribe(`${session}:channel`, (message) => void published.push(String(message)));
    await runtime.bus.begun();
    await commit({ expected: '0', version: '1', traceparent: '00-aa-bb-01' });
    await runtime.redis.hset(viewers, 'a', '1:9');
    await commit({ expected: '1', version: '2', traceparent: '00-aa-cc-01' });
    await expect.poll(() => published.length).toBe(2);
    expect(published).toEqual(['3 traceparent 00-aa-bb-01\nlines 1', '3 traceparent 00-aa-cc-01 a 1:9\nlines 2']);
  });
});

const timeline = (): Promise<string | null> => runtime.redis.hget(session, 'timeline');
const deliveries = (): Promise<string | null> => runtime.redis.hget(session, 'deliveries');
function addNote(line: string): Promise<unknown> {
  return loadLuaScript(runtime.redis, new URL('./session-note-1.lua', import.meta.url))([session], [line]);
}

describe('the timeline', () => {
  it('gets the line of each change that is stored, and none of one that is not', async () => {
    await commit({ expected: '0', version: '1' });
    expect(await timeline()).toBeNull();
    await commit({ expected: '1', version: '2', line: 'one' });
    await commit({ expected: '1', version: '3', line: 'lost' });
    await commit({ expected: '2', version: '3' });
    await commit({ expected: '3', version: '4', line: 'two' });
    expect(await timeline()).toBe('one\ntwo');
  });

  it('gets notes of gateways, and makes no session out of one', async () => {
    expect(await addNote('too late')).toBe(0);
    expect(await runtime.redis.exists(session)).toBe(0);
    await commit({ expected: '0', version: '1', line: 'one' });
    expect(await addNote('two')).toBe(1);
    expect(await addNote('three')).toBe(1);
    expect(await timeline()).toBe('one'); // no viewer pushes it out
    expect(await deliveries()).toBe('two\nthree');
  });

  it('keeps of many toggles the first and the newest, which counts the others, and all other lines', async () => {
    const toggle = (n: number): string => `["c",${n},"+0"]`;
    let version = 1;
    await commit({ expected: '0', version: '1' });
    const add = async (line: string): Promise<void> => {
      await commit({ expected: String(version), version: String(version + 1), line });
      version++;
    };
    await add('["c",0,"a change"]');
    for (let n = 1; n <= 300; n++) await add(toggle(n));
    await add('["c",301,"another"]');
    for (let n = 302; n <= 304; n++) await add(toggle(n));
    expect((await timeline())?.split('\n')).toEqual([
      '["c",0,"a change"]',
      '["c",1,"+0"]',
      '["c",300,"+298"]',
      '["c",301,"another"]',
      '["c",302,"+0"]',
      '["c",304,"+1"]',
    ]);
  });

  const lines = Array.from({ length: 400 }, (_, n) => `line ${n} ${'x'.repeat(60)}`);

  it('keeps the newest of many notes whole', async () => {
    await commit({ expected: '0', version: '1' });
    for (const line of lines) await addNote(line);
    const kept = ((await deliveries()) ?? '').split('\n');
    expect(kept.length).toBeGreaterThan(20);
    expect(kept).toEqual(lines.slice(-kept.length));
    expect((await deliveries())?.length).toBeLessThanOrEqual(3_072);
  });

  it('keeps the newest of many changes whole, and says that it was cut', async () => {
    await commit({ expected: '0', version: '1' });
    for (const [n, line] of lines.entries()) await commit({ expected: String(n + 1), version: String(n + 2), line });
    const [first, ...kept] = ((await timeline()) ?? '').split('\n');
    expect(first).toBe('~');
    expect(kept.length).toBeGreaterThan(50);
    expect(kept).toEqual(lines.slice(-kept.length));
    expect((await timeline())?.length).toBeLessThanOrEqual(6_144);
  });
});
