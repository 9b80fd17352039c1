import { afterEach, expect, inject, it } from 'vitest';
import { openTestRuntime } from '../../test/runtime.ts';
import { relayUseKey } from '../redis/keys.ts';
import { createRelayLanes } from './relay-lanes.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

function openLanes() {
  const runtime = openTestRuntime(inject('redisUrl'));
  open.push(runtime);
  return { runtime, lanes: createRelayLanes(runtime) };
}

const LANE = { tenantId: 'acme', instanceId: '1101' };

it('keeps order and text, and drops only the first', async () => {
  const { lanes } = openLanes();
  const bodies = ['{"a": 1 , "pipe":"|x|"}', '{"b":"ü"}'];
  for (const body of bodies) expect(await lanes.push(LANE, body, 5)).toBe(true);
  const first = await lanes.first(LANE);
  expect(first).toMatchObject({ at: 5, body: bodies[0] });
  if (first === null) throw new Error('the lane is empty');
  await lanes.drop(LANE, first);
  await lanes.drop(LANE, first); // by a second sender: the next entry must stay
  expect((await lanes.first(LANE))?.body).toBe(bodies[1]);
});

it('gives equal bodies equal ids, but different ones for other instances', async () => {
  const { lanes } = openLanes();
  const ids: (string | undefined)[] = [];
  for (const [instanceId, body] of [
    ['1', '{}'],
    ['1', '{}'],
    ['2', '{}'],
    ['1', '[]'],
    ['1', '\uFEFF{}'],
  ] as const) {
    const lane = { tenantId: 'acme', instanceId };
    await lanes.push(lane, body, Date.now());
    const first = await lanes.first(lane);
    ids.push(first?.id);
    if (first !== null) await lanes.drop(lane, first);
  }
  expect(ids[0]).toBe(ids[1]);
  expect(new Set(ids).size).toBe(4);
});

it('is limited for all instances of a tenant together, and accepts more after some were dropped', async () => {
  const { runtime, lanes } = openLanes();
  const large = `"${'x'.repeat(20 * 1024 * 1024)}"`;
  for (const instanceId of ['1', '2', '3']) expect(await lanes.push({ tenantId: 'acme', instanceId }, large, 1)).toBe(true);
  expect(await lanes.push(LANE, large, 1)).toBe(false);
  expect(await lanes.push({ tenantId: 'other', instanceId: '1' }, '{}', 1)).toBe(true);
  const lane = { tenantId: 'acme', instanceId: '2' };
  const first = await lanes.first(lane);
  if (first !== null) await lanes.drop(lane, first);
  expect(await lanes.push(LANE, large, 1)).toBe(true);

  await runtime.redis.hset(relayUseKey(runtime.namespace, 'many'), 'count', 10_000);
  expect(await lanes.push({ tenantId: 'many', instanceId: '1' }, '{}', 1)).toBe(false);
});

it('counts failures of the first entry, and deletes the count with it', async () => {
  const { runtime, lanes } = openLanes();
  for (const body of ['1', '2']) await lanes.push(LANE, body, 1);
  const first = await lanes.first(LANE);
  if (first === null) throw new Error('the lane is empty');
  expect([await lanes.countFailure(LANE, first), await lanes.countFailure(LANE, first)]).toEqual([1, 2]);
  await lanes.drop(LANE, first);
  expect(await lanes.countFailure(LANE, first)).toBe(0); // by a sender that hung: the next entry has not failed
  const second = await lanes.first(LANE);
  if (second === null) throw new Error('the lane is empty');
  expect(await lanes.countFailure(LANE, second)).toBe(1);
  await lanes.drop(LANE, second);
  expect(await lanes.countFailure(LANE, second)).toBe(0);
  expect(await runtime.redis.exists(relayUseKey(runtime.namespace, LANE.tenantId))).toBe(0); // it would stay for ever
});

it('counts waiting entries and bytes exactly, up to the limits', async () => {
  const { runtime, lanes } = openLanes();
  const use = relayUseKey(runtime.namespace, LANE.tenantId);
  expect(await lanes.push(LANE, '{}', 1)).toBe(true);
  const first = await lanes.first(LANE);
  if (first === null) throw new Error('the lane is empty');
  const size = first.head.length + '{}'.length;
  expect(await runtime.redis.hgetall(use)).toEqual({ count: '1', bytes: String(size) });
  await lanes.drop(LANE, first);
  expect(await runtime.redis.exists(use)).toBe(0); // it would stay for ever

  await runtime.redis.hset(use, 'count', 9_999, 'bytes', 0);
  expect([await lanes.push(LANE, '{}', 1), await lanes.push(LANE, '{}', 1)]).toEqual([true, false]);
  const maxBytes = 64 * 1024 * 1024;
  await runtime.redis.hset(use, 'count', 0, 'bytes', maxBytes - size + 1);
  expect(await lanes.push(LANE, '{}', 1)).toBe(false);
  await runtime.redis.hset(use, 'bytes', maxBytes - size);
  expect(await lanes.push(LANE, '{}', 1)).toBe(true);
});
