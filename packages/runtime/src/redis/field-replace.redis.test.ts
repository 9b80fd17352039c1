import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { openTestRuntime, type TestRuntime } from '../../test/runtime.ts';
import { loadFieldReplace } from './field-replace.ts';

let runtime: TestRuntime;
beforeAll(() => {
  runtime = openTestRuntime(inject('redisUrl'));
});
afterAll(() => runtime.close());

it('replaces a field that holds the expected value, and no other', async () => {
  const replace = loadFieldReplace(runtime.redis);
  const key = `${runtime.namespace}:hash`;
  await runtime.redis.hset(key, { one: 'a', two: 'a' });
  expect(await replace(key, 'one', 'a', 'b')).toBe(true);
  expect(await replace(key, 'two', 'b', 'c')).toBe(false);
  expect(await replace(key, 'three', '', 'c')).toBe(false);
  expect(await runtime.redis.hgetall(key)).toEqual({ one: 'b', two: 'a' });
});

it('has replaced a field, however often Redis gets the call', async () => {
  const replace = loadFieldReplace(runtime.redis);
  const key = `${runtime.namespace}:twice`;
  await runtime.redis.hset(key, { one: 'a' });
  expect([await replace(key, 'one', 'a', 'b'), await replace(key, 'one', 'a', 'b')]).toEqual([true, true]);
  expect(await replace(key, 'one', 'a', 'c')).toBe(false); // another call
});
