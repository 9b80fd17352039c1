import { createLog } from '@qrcast/runtime/log';
import { gatewaysKey, viewersKey } from '@qrcast/runtime/redis/keys';
import { openTestRuntime, type TestRuntime } from '@qrcast/runtime/test/runtime';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it, vi } from 'vitest';
import { openViewerCounts, type ViewerCounts } from './visible-viewers.ts';

/** By the test's own clock. Redis ends keys by the real one, and must not do that meanwhile. */
const LASTS_MS = 600_000;
const RENEW_EVERY_MS = LASTS_MS / 3;
const HOUR_MS = 3_600_000;

let runtime: TestRuntime;
const opened: ViewerCounts[] = [];
/** Only `pass` moves the clock and the renewals of all gateways. */
let now = 0;
let sessionId: string;
let sessions = 0;
let gateways = 0;

beforeAll(() => {
  runtime = openTestRuntime(inject('redisUrl'));
});
afterAll(() => runtime.close());
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  now = Date.now(); // the real time, because Redis expires keys by its own
  sessionId = `ses_${sessions++}`;
});
afterEach(() => {
  for (const counts of opened.splice(0)) counts.close();
  vi.useRealTimers();
});

/** To Redis `close` looks like a crash: the lease is not renewed, and no count is taken back. */
async function openGateway(): Promise<{ readonly id: string; readonly counts: ViewerCounts }> {
  const id = `gateway-${gateways++}`;
  const counts = openViewerCounts({
    ...runtime,
    clock: { now: () => now },
    log: createLog('test', 'silent'),
    gatewayId: id,
    lastsMs: LASTS_MS,
  });
  opened.push(counts);
  await runtime.redis.exists(gatewaysKey(runtime.namespace)); // behind the first renewal
  return { id, counts };
}

/** Passes to the next renewal of each lease. Resolves when Redis has it. */
async function pass(): Promise<void> {
  now += RENEW_EVERY_MS;
  vi.advanceTimersByTime(RENEW_EVERY_MS);
  await runtime.redis.exists(gatewaysKey(runtime.namespace));
}
const key = (): string => viewersKey(runtime.namespace, sessionId);
const entries = (): Promise<Record<string, string>> => runtime.redis.hgetall(key());

it('sums the last count of each gateway', async () => {
  const [here, there] = [await openGateway(), await openGateway()];
  expect(await here.counts.read(sessionId)).toBe(0);
  expect(await here.counts.report(sessionId, 1)).toBe(1);
  expect(await here.counts.report(sessionId, 3)).toBe(3);
  expect(await there.counts.report(sessionId, 2)).toBe(5);
  expect(await there.counts.report(sessionId, 0)).toBe(3);
  expect(Object.keys(await entries())).toEqual([here.id]);
});

it('reads without storing anything', async () => {
  const [here, there] = [await openGateway(), await openGateway()];
  await here.counts.report(sessionId, 1);
  const before = [await entries(), await runtime.redis.pexpiretime(key())];
  expect(await there.counts.read(sessionId)).toBe(1);
  expect([await entries(), await runtime.redis.pexpiretime(key())]).toEqual(before);
});

it('leaves nothing of the leases behind when the last gateway has died', async () => {
  await openGateway();
  expect(await runtime.redis.pexpiretime(gatewaysKey(runtime.namespace))).toBe(now + LASTS_MS);
});

it('keeps the count of a gateway that lives, without storing it again', async () => {
  const [here, there] = [await openGateway(), await openGateway()];
  await there.counts.report(sessionId, 2);
  const stored = await entries();
  for (let i = 0; i < 5; i++) await pass();
  expect(await here.counts.read(sessionId)).toBe(2);
  expect(await entries()).toEqual(stored);
});

it('leaves out the count of a gateway that has died, when its lease is over', async () => {
  const [here, there] = [await openGateway(), await openGateway()];
  await here.counts.report(sessionId, 1);
  await there.counts.report(sessionId, 2);
  await pass();
  there.counts.close();
  await pass();
  await pass();
  expect(await here.counts.read(sessionId)).toBe(3);
  await pass();
  expect(await here.counts.read(sessionId)).toBe(1);
  expect(here.counts.sumOf(sessionId, Object.entries(await entries()).flat())).toBe(1);
});

it('sums what a state was published with, and its own count as it is now', async () => {
  const [here, there] = [await openGateway(), await openGateway()];
  await here.counts.report(sessionId, 1);
  await there.counts.report(sessionId, 2);
  const published = Object.entries(await entries()).flat();
  await here.counts.report(sessionId, 4);
  expect(here.counts.sumOf(sessionId, published)).toBe(6);
  // A version that knows no traces takes a traceparent for the count of a gateway.
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  expect(here.counts.sumOf(sessionId, ['traceparent', traceparent, ...published])).toBe(6);
  expect(here.counts.sumOf('ses_unknown', [])).toBe(0);
  expect(here.counts.sumOf('ses_unknown', [there.id, 'garbage', there.id])).toBe(0);
});

it('counts a gateway that has come since it looked last', async () => {
  const here = await openGateway();
  const there = await openGateway();
  await there.counts.report(sessionId, 2);
  expect(await here.counts.read(sessionId)).toBe(2);
});

it('counts the entry of an older version until it ends', async () => {
  const here = await openGateway();
  await runtime.redis.hset(key(), 'older', `5:${now + 15_000}`);
  expect(await here.counts.read(sessionId)).toBe(5);
  now += 15_000;
  expect(await here.counts.read(sessionId)).toBe(0);
  await here.counts.report(sessionId, 1);
  expect(Object.keys(await entries())).toEqual([here.id]);
});

it('takes back its entry if two reports were run in the other order', async () => {
  const here = await openGateway();
  await here.counts.report(sessionId, 1);
  await here.counts.report(sessionId, 0);
  await runtime.redis.hset(key(), here.id, `1:${now + HOUR_MS}`); // as if the first had come last
  await pass();
  expect(Object.keys(await entries())).toEqual([here.id]); // twin: nobody has seen it
  expect(await here.counts.read(sessionId)).toBe(0);
  await pass();
  await expect.poll(entries).toEqual({});
});

it('stores its count again as soon as a state comes without it', async () => {
  const here = await openGateway();
  await here.counts.report(sessionId, 2);
  await runtime.redis.del(key());
  expect(here.counts.sumOf(sessionId, [])).toBe(2);
  await pass();
  await expect.poll(async () => Object.keys(await entries())).toEqual([here.id]);
});

it('stores all counts again if Redis has lost that it lives', async () => {
  const here = await openGateway();
  const [first, second] = [sessionId, `${sessionId}-b`];
  await here.counts.report(first, 1);
  await here.counts.report(second, 2);
  await runtime.redis.del(viewersKey(runtime.namespace, first));
  await runtime.redis.del(viewersKey(runtime.namespace, second));
  await pass();
  expect(await entries()).toEqual({}); // twin: nothing is known against Redis
  await runtime.redis.zrem(gatewaysKey(runtime.namespace), here.id);
  await pass();
  await expect.poll(async () => Object.keys(await entries())).toEqual([here.id]);
  await expect.poll(() => runtime.redis.exists(viewersKey(runtime.namespace, second))).toBe(1);
});

it('stores what Redis has not taken, and takes back what it has not', async () => {
  const here = await openGateway();
  await here.counts.report(sessionId, 3);
  await runtime.redis.rename(key(), `${key()}-kept`);
  await runtime.redis.set(key(), 'not a hash'); // every command on it is refused
  await expect(here.counts.report(sessionId, 0)).rejects.toThrow('WRONGTYPE');
  expect(here.counts.sumOf(sessionId, [])).toBe(0);
  await runtime.redis.rename(`${key()}-kept`, key());
  expect(Object.keys(await entries())).toEqual([here.id]);
  await pass();
  await expect.poll(entries).toEqual({});
});

it('is stored again long before Redis ends it', async () => {
  const here = await openGateway();
  const clock = vi.spyOn(performance, 'now');
  await here.counts.report(sessionId, 1);
  const endsAt = await runtime.redis.pexpiretime(key());
  expect(endsAt).toBe(now + HOUR_MS);
  clock.mockReturnValue(performance.now() + HOUR_MS / 3);
  await pass();
  await expect.poll(() => runtime.redis.pexpiretime(key())).toBe(endsAt + RENEW_EVERY_MS);
  clock.mockRestore();
});
