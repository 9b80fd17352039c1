import { viewersKey } from '@qrcast/runtime/redis/keys';
import { openTestRuntime, type TestRuntime } from '@qrcast/runtime/test/runtime';
import { afterAll, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import { createViewerCounts, type ViewerCounts } from './visible-viewers.ts';

const LASTS_MS = 60_000;

let runtime: TestRuntime;
let here: ViewerCounts;
let there: ViewerCounts;
let now = 0;
let sessionId: string;
let sessions = 0;

beforeAll(() => {
  runtime = openTestRuntime(inject('redisUrl'));
  const openGateway = (gatewayId: string): ViewerCounts =>
    createViewerCounts({ ...runtime, clock: { now: () => now }, gatewayId, lastsMs: LASTS_MS });
  here = openGateway('here');
  there = openGateway('there');
});
afterAll(() => runtime.close());
beforeEach(() => {
  now = Date.now(); // the real time, because Redis expires keys by its own
  sessionId = `ses_${sessions++}`;
});

const key = (): string => viewersKey(runtime.namespace, sessionId);
const gateways = (): Promise<string[]> => runtime.redis.hkeys(key());

it('sums the last count of each gateway', async () => {
  expect(await here.read(sessionId)).toBe(0);
  expect(await here.report(sessionId, 1)).toBe(1);
  expect(await here.report(sessionId, 3)).toBe(3);
  expect(await there.report(sessionId, 2)).toBe(5);
  expect(await there.report(sessionId, 0)).toBe(3);
  expect(await gateways()).toEqual(['here']);
});

it('reads without storing anything', async () => {
  await here.report(sessionId, 1);
  const expiresAt = await runtime.redis.pexpiretime(key());
  now += 1;
  expect(await there.read(sessionId)).toBe(1);
  expect([await gateways(), await runtime.redis.pexpiretime(key())]).toEqual([['here'], expiresAt]);
});

it('drops a count that was not renewed in time, and renews the others', async () => {
  await here.report(sessionId, 1);
  now += 1;
  await there.report(sessionId, 2);
  now += LASTS_MS - 2;
  expect(await here.read(sessionId)).toBe(3);
  now += 1;
  expect(await here.read(sessionId)).toBe(2);
  expect(await gateways()).toEqual(['there']);
});

it('is kept until the last count ends', async () => {
  await here.report(sessionId, 1);
  now += 1_000;
  await there.report(sessionId, 1);
  expect(await runtime.redis.pexpiretime(key())).toBe(now + LASTS_MS);
});
