import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { openRedisMonitor } from '../../test/monitor.ts';
import { openTestRuntime, type TestRuntime } from '../../test/runtime.ts';
import { formerTenantsKey } from '../redis/keys.ts';
import { findRedisProgram, openRedisServer, type RedisServer } from '../redis/redis-server.ts';
import { createHeldSums, type SumTarget } from './held-sums.ts';
import { openSums, type Sums } from './sums.ts';

let runtime: TestRuntime;
let names = 0;

beforeAll(() => {
  runtime = openTestRuntime(inject('redisUrl'));
});
afterAll(() => runtime.close());

const WRITE_AFTER_MS = 20;
const open = (fields: Partial<Parameters<typeof openSums>[0]> = {}): Sums =>
  openSums({ ...runtime, writeAfterMs: WRITE_AFTER_MS, ...fields });
const newTarget = (fields: Partial<SumTarget> = {}): SumTarget => ({
  key: `${runtime.namespace}:sums-${names++}`,
  keepMs: 60_000,
  ...fields,
});
const stored = ({ key }: SumTarget): Promise<Record<string, string>> => runtime.redis.hgetall(key);

it('what is added is written soon, by the sum, and ends by itself', async () => {
  const sums = open();
  const target = newTarget();
  for (const fields of [['a', 'b'], ['a'], ['a']]) sums.add(target, fields);
  await expect.poll(() => stored(target)).toEqual({ a: '3', b: '1' });
  sums.add(target, ['b']);
  await expect.poll(() => stored(target)).toEqual({ a: '3', b: '2' });
  const left = await runtime.redis.pttl(target.key);
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(60_000);
  await sums.close();
});

it('what two processes add is together', async () => {
  const both = [open(), open()];
  const target = newTarget();
  for (const sums of both) sums.add(target, ['a']);
  await Promise.all(both.map((sums) => sums.close()));
  expect(await stored(target)).toEqual({ a: '2' });
});

it('the close writes what is held, once', async () => {
  const sums = open({ writeAfterMs: 3_600_000 });
  const target = newTarget();
  sums.add(target, ['a']);
  await Promise.all([sums.close(), sums.close()]);
  await sums.close();
  expect(await stored(target)).toEqual({ a: '1' });
});

it('a sum is written once', async () => {
  const sums = open();
  const [target, later] = [newTarget(), newTarget()];
  const monitor = await openRedisMonitor(inject('redisServers'));
  const keys: string[] = [];
  const asked: string[] = [];
  monitor.on('monitor', (_time, [command = '', first = '', , key = '']) => {
    if (/^eval/i.test(command) && key.startsWith(runtime.namespace)) keys.push(key);
    if (/^exists$/i.test(command) && first.startsWith(runtime.namespace)) asked.push(first);
  });
  sums.add(target, ['a']);
  await expect.poll(() => stored(target)).toEqual({ a: '1' });
  sums.add(later, ['a']);
  await expect.poll(() => stored(later)).toEqual({ a: '1' });
  await sums.close();
  for (const { key } of [target, later]) await runtime.redis.exists(key);
  await expect.poll(() => new Set(asked)).toEqual(new Set([target.key, later.key])); // all writes were seen before
  monitor.disconnect();
  expect(new Set(keys)).toEqual(new Set([target.key, later.key]));
  expect(keys.filter((key) => key === later.key).length).toBe(1);
});

it('the sum of a tenant that is deleted meanwhile is deleted', async () => {
  const sums = open({ writeAfterMs: 3_600_000 });
  const [former, current] = [newTarget({ tenantId: 'former' }), newTarget({ tenantId: 'current' })];
  for (const target of [former, current]) sums.add(target, ['a']);
  await runtime.redis.sadd(formerTenantsKey(runtime.namespace), 'former');
  await sums.close();
  expect([await stored(former), await stored(current)]).toEqual([{}, { a: '1' }]);
});

it('a key that holds something else keeps nothing from the others, and is told once', async () => {
  const warn = vi.fn();
  const sums = open({ log: { warn } });
  const [odd, target] = [newTarget(), newTarget()];
  await runtime.redis.set(odd.key, 'text', 'PX', 60_000);
  for (let n = 1; n <= 2; n++) {
    for (const one of [odd, target]) sums.add(one, ['a']);
    await expect.poll(() => stored(target)).toEqual({ a: String(n) });
  }
  await sums.close();
  expect(warn).toHaveBeenCalledExactlyOnceWith({ key: odd.key }, expect.stringContaining('delete the key'));
});

describe('while Redis takes nothing', () => {
  let folder: string;
  let server: RedisServer;
  let full: TestRuntime;

  /** From now on Redis has memory for writes, or not. */
  const setMemory = (isEnough: boolean) => (full.redis as Redis).config('SET', 'maxmemory', isEnough ? '0' : '1');

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'qrcast-test-'));
    server = await openRedisServer({ program: findRedisProgram(process.env['PATH'] ?? '') ?? 'redis-server', folder, persistent: false });
    full = openTestRuntime(server.url);
    await setMemory(false);
  });
  afterEach(async () => {
    await full.close();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('sums are kept, added to and written later, and the log tells it once', async () => {
    const warn = vi.fn();
    const sums = openSums({ ...full, writeAfterMs: WRITE_AFTER_MS, log: { warn } });
    const targets = [newTarget(), newTarget()];
    const monitor = await openRedisMonitor([server.url]);
    const asked: string[] = [];
    monitor.on('monitor', (_time, [command = '', , , key = '']) => void (/^evalsha$/i.test(command) && asked.push(key)));
    for (const target of targets) sums.add(target, ['a']);
    await expect.poll(() => asked.length).toBeGreaterThan(2);
    expect(new Set(asked)).toEqual(new Set([targets[0]?.key])); // the other is not tried in vain
    for (const target of targets) sums.add(target, ['a', 'b']);
    await setMemory(true);
    for (const { key } of targets) await expect.poll(() => full.redis.hgetall(key)).toEqual({ a: '2', b: '1' });
    monitor.disconnect();
    await sums.close();
    expect(warn).toHaveBeenCalledExactlyOnceWith({ kept: 2 }, expect.stringContaining('kept in memory'));
  });

  it('the close ends, and the log tells that something is lost', async () => {
    const warn = vi.fn();
    const sums = openSums({ ...full, writeAfterMs: 3_600_000, log: { warn } });
    sums.add(newTarget(), ['a']);
    await sums.close();
    expect(warn).toHaveBeenLastCalledWith({ held: 1 }, expect.stringContaining('are lost'));
  });

  it('the close ends if there is no Redis any more', async () => {
    const sums = openSums({ ...full, writeAfterMs: WRITE_AFTER_MS });
    await server.close();
    sums.add(newTarget(), ['a']);
    await sums.close();
  });
});

it('only so many sums are held, those of the installation longest', () => {
  const warn = vi.fn();
  const held = createHeldSums({ warn });
  for (let n = 0; n <= 2_000; n++) held.add(newTarget({ tenantId: 'acme' }), [['a', 1]]);
  const own = newTarget();
  held.add(own, [['a', 1]]);
  held.add(own, [['a', 2]]);
  expect(warn).toHaveBeenCalledExactlyOnceWith({ held: 2_000 }, expect.stringContaining('are lost'));
  const all = held.takeAll();
  for (const sum of all) held.add(sum, sum.fields); // Redis does not take them
  held.add(newTarget({ tenantId: 'acme' }), [['a', 1]]);
  expect(warn).toHaveBeenCalledOnce();
  expect(held.takeAll()).toEqual(all);
  expect(all.length).toBe(2_001);
  expect(all.at(-1)).toEqual({ ...own, fields: new Map([['a', 3]]) });
  expect(held.size()).toBe(0);
});

it('a loss is told again after Redis has taken all that was held', () => {
  const warn = vi.fn();
  const held = createHeldSums({ warn });
  const lose = (): void => {
    for (let n = 0; n <= 2_000; n++) held.add(newTarget({ tenantId: 'acme' }), [['a', 1]]);
  };
  lose();
  held.takeAll();
  held.noteWritten();
  lose();
  expect(warn).toHaveBeenCalledTimes(2);
});
