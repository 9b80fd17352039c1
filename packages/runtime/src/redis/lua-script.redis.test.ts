import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import { openTestRuntime, type TestRuntime } from '../../test/runtime.ts';
import { type LuaScript, loadLuaScript } from './lua-script.ts';
import { isCluster } from './redis-client.ts';

let runtime: TestRuntime;
let folder: string;
let key: string;
beforeAll(async () => {
  runtime = openTestRuntime(inject('redisUrl'));
  folder = await mkdtemp(join(tmpdir(), 'qrcast-lua-'));
});
afterAll(async () => {
  await runtime.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  key = `${runtime.namespace}:${randomUUID()}`;
});

/** A script that no Redis has seen. */
async function newScript(body: string, keys = 1): Promise<LuaScript> {
  const file = join(folder, `${randomUUID()}-${keys}.lua`);
  await writeFile(file, `-- ${randomUUID()}\n${body}`);
  return loadLuaScript(runtime.redis, pathToFileURL(file));
}
const INCREASE = `return redis.call('INCRBY', KEYS[1], ARGV[1])`;

async function forgetScripts(): Promise<void> {
  const { redis } = runtime;
  for (const one of isCluster(redis) ? redis.nodes('master') : [redis]) await one.script('FLUSH');
}

it('runs once for each call, whether Redis knows it or not', async () => {
  const increase = await newScript(INCREASE);
  expect(await increase([key], [1])).toBe(1);
  expect(await increase([key], [1])).toBe(2);
  await forgetScripts();
  expect(await increase([key], [1])).toBe(3);
});

it('keeps the order of its calls of one turn, of which Redis knows none', async () => {
  const increase = await newScript(INCREASE);
  expect(await Promise.all([1, 10, 100].map((by) => increase([key], [by])))).toEqual([1, 11, 111]);
});

it('works beside commands of the turn in which it was loaded', async () => {
  const wrote = runtime.redis.set(key, '5');
  const increase = await newScript(INCREASE);
  expect(await Promise.all([wrote, increase([key], [1])])).toEqual(['OK', 6]);
});

it('passes on the error of the script, and does not run it again', async () => {
  const fail = await newScript(`redis.call('INCR', KEYS[1]) return redis.error_reply('NOTSCRIPT no')`);
  await expect(fail([key], [])).rejects.toThrow('NOTSCRIPT no');
  expect(await runtime.redis.get(key)).toBe('1');
});

it('refuses another number of keys', async () => {
  const increase = await newScript(INCREASE, 2);
  await expect(increase([key], [1])).rejects.toThrow('got 1 keys');
});

it('adds nothing to a batch of commands, which would be copied each time', async () => {
  const before = Object.keys(runtime.redis.pipeline()).length;
  await (await newScript(INCREASE))([key], [1]);
  expect(Object.keys(runtime.redis.pipeline())).toHaveLength(before);
});
