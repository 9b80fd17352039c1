import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, inject, it, onTestFinished } from 'vitest';
import { newTarget } from '../../test/poll-queue.ts';
import { openTestRuntime } from '../../test/runtime.ts';
import { prepareWallClock } from '../../test/wall-clock.ts';
import { isClusterUrl } from '../redis/cluster-url.ts';
import { shardKeys } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';
import { openPollLeases } from './poll-leases.ts';
import { pollMember, shardOf } from './shards.ts';

const wallClock = prepareWallClock();
const LEASE_MS = 2_500;
const SPACING_MS = 1_100;
/** As if Redis could not be reached: no lease is extended. */
const NEVER_MS = 2 ** 31 - 1;

interface Options {
  readonly extendEveryMs?: number;
  readonly lookEveryMs?: number | null;
  readonly leaseMs?: number;
  readonly doubts?: boolean;
}

/** A claim that stands in Redis, as the script makes it, and the leases of the worker that has it. */
async function openClaimed({ extendEveryMs = NEVER_MS, lookEveryMs = 100, leaseMs = LEASE_MS, doubts = true }: Options) {
  const runtime = openTestRuntime(inject('redisUrl'));
  onTestFinished(() => runtime.close());
  const { redis, namespace } = runtime;
  const target = newTarget();
  const keys = shardKeys(namespace, shardOf(target));
  const [due, watch, busy, , claims] = keys;
  const now = async (): Promise<number> => {
    const [seconds, micros] = await redis.time();
    return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
  };
  const [claimedAt, startedAt] = [performance.now(), await now()];
  await redis
    .multi()
    .zadd(due, startedAt + leaseMs, pollMember(target))
    .zadd(watch, startedAt + NEVER_MS, pollMember(target))
    .zadd(busy, startedAt + leaseMs, target.instanceKey)
    .zadd(claims, startedAt, target.instanceKey)
    .exec();
  const openLeases = (every = extendEveryMs) =>
    openPollLeases({ ...runtime, leaseMs, extendEveryMs: every, spacingMs: SPACING_MS, lookEveryMs, doubts });
  return {
    redis,
    now,
    leases: openLeases(),
    openLeases,
    target,
    startedAt,
    claimedAt,
    busyUntil: async () => Number(await redis.zscore(busy, target.instanceKey)),
    dueAt: async () => Number(await redis.zscore(due, pollMember(target))),
    /** Another worker's claim, once it may. Resolves to the end of its lease. */
    async claimAnew(): Promise<number> {
      const script = loadLuaScript(redis, new URL('./shard-claim-5.lua', import.meta.url));
      for (;;) {
        const reply = await script(keys, [1, 60_000, '', 100, 1, 1, 1_000, startedAt + NEVER_MS]);
        const [at, claimed] = reply as [number, string[]]; // as the script returns it
        if (claimed.length > 0) return at + 60_000;
      }
    },
    async untilAnotherMayAsk() {
      while (Number(await redis.zscore(busy, target.instanceKey)) > (await now()));
      await turn(); // so that timers which were due before have run
      await turn();
    },
  };
}

/** A request that lasts until it is aborted. */
function endless(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}

it('a request whose lease cannot be extended is aborted before another worker may ask', async () => {
  const { leases, target, startedAt, claimedAt, untilAnotherMayAsk } = await openClaimed({});
  let seen: AbortSignal | undefined;
  leases.hold(target, startedAt, claimedAt, ({ signal }) => {
    seen = signal;
    return endless(signal);
  });
  await untilAnotherMayAsk();
  expect(seen?.aborted).toBe(true);
  expect(leases.size()).toBe(0);
  await leases.close(0);
});

it.each([
  ['is sent while its lease lasts for the spacing and longer', SPACING_MS + 500, true],
  ['is not sent if the next holder could ask sooner than after the spacing', SPACING_MS - 50, false],
])('a request that comes late %s', async (_name, leftMs, isSent) => {
  const { leases, target, startedAt, claimedAt } = await openClaimed({ leaseMs: 6_000, lookEveryMs: NEVER_MS }); // its timers are late
  const claimSentAt = claimedAt - (6_000 - leftMs);
  let sent = false;
  const polled = Promise.withResolvers<void>();
  leases.hold(target, startedAt, claimSentAt, async (lease) => {
    try {
      lease.require();
      sent = true;
    } finally {
      polled.resolve();
    }
    return { nextAt: null };
  });
  await polled.promise;
  expect(sent).toBe(isSent);
  await leases.close(0);
});

/** Whether a request is sent whose claim was made before the connection was lost. */
async function sendAfterLoss(options: Options): Promise<{ isSent: boolean; dueInMs: number }> {
  const { leases, redis, now, dueAt, target, startedAt, claimedAt } = await openClaimed({ leaseMs: 6_000, ...options });
  const polled = Promise.withResolvers<boolean>();
  leases.hold(target, startedAt, claimedAt, async (lease) => {
    const back = once(redis, 'ready');
    redis.disconnect(true);
    await back;
    try {
      lease.require();
      polled.resolve(true);
    } catch (error) {
      polled.resolve(false);
      throw error;
    }
    return { nextAt: startedAt + 60_000 };
  });
  const isSent = await polled.promise;
  await leases.close(0);
  return { isSent, dueInMs: (await dueAt()) - (await now()) };
}

it.skipIf(isClusterUrl(inject('redisUrl')))(
  'a request is not sent when the connection was lost since its claim, because Redis may have lost that, too; it is due at once',
  async () => {
    expect(await sendAfterLoss({})).toEqual({ isSent: false, dueInMs: expect.toSatisfy((ms: number) => ms <= 0) });
  },
);

it.skipIf(isClusterUrl(inject('redisUrl')))('and without the doubt it would be sent: the twin', async () => {
  expect(await sendAfterLoss({ doubts: false })).toMatchObject({ isSent: true });
});

it('a request whose lease cannot be extended is aborted the spacing before another worker may ask', async () => {
  const { leases, now, target, startedAt, claimedAt } = await openClaimed({ leaseMs: 3_000 });
  const aborted = Promise.withResolvers<number>();
  leases.hold(target, startedAt, claimedAt, ({ signal }) => {
    signal.addEventListener('abort', () => aborted.resolve(now()));
    return endless(signal);
  });
  expect(await aborted.promise).toBeLessThan(startedAt + 3_000 - SPACING_MS / 2);
  await leases.close(0);
});

it('and without the look at the leases it would go on: the twin', async () => {
  const { leases, target, startedAt, claimedAt, untilAnotherMayAsk } = await openClaimed({ lookEveryMs: null });
  leases.hold(target, startedAt, claimedAt, ({ signal }) => endless(signal));
  await untilAnotherMayAsk();
  expect(leases.size()).toBe(1);
  await leases.close(0);
});

it('a request whose lease is extended goes on, however long it takes', async () => {
  const { leases, target, startedAt, claimedAt } = await openClaimed({ extendEveryMs: 100, leaseMs: 4_000 });
  const { promise, resolve } = Promise.withResolvers<{ nextAt: null }>();
  leases.hold(target, startedAt, claimedAt, ({ signal }) => Promise.race([promise, endless(signal)]));
  await new Promise((done) => setTimeout(done, 5_000)); // longer than a lease
  expect(leases.size()).toBe(1);
  resolve({ nextAt: null });
  await leases.close(0);
});

it.each([0, 7_200_000, -7_200_000])(
  'the spacing counts from the end of the poll, by the clock of Redis, with the clock of this process %i ms off',
  async (byMs) => {
    const { now, leases, target, startedAt, claimedAt, busyUntil } = await openClaimed({});
    const answered = Promise.withResolvers<{ nextAt: number }>();
    leases.hold(target, startedAt, claimedAt, () => answered.promise);
    wallClock.shift(byMs);
    while ((await now()) < startedAt + 400);
    answered.resolve({ nextAt: startedAt + 10_000 });
    await leases.close(0);
    const until = await busyUntil();
    expect(until).toBeGreaterThanOrEqual(startedAt + 400 + SPACING_MS);
    expect(until).toBeLessThanOrEqual((await now()) + SPACING_MS + 1_000);
  },
);

it('an instance that was not asked is free at once', async () => {
  const { leases, target, startedAt, claimedAt, busyUntil } = await openClaimed({});
  leases.hold(target, startedAt, claimedAt, async () => ({ nextAt: null, wasAsked: false }));
  await leases.close(0);
  expect(await busyUntil()).toBeLessThanOrEqual(startedAt);
});

it('a worker that hung and settles late leaves the claim of another alone, but keeps a Retry-After', async () => {
  const { leases, target, startedAt, claimedAt, busyUntil, dueAt, claimAnew } = await openClaimed({ lookEveryMs: null });
  const { promise, resolve } = Promise.withResolvers<{ nextAt: number; notBefore: number }>();
  leases.hold(target, startedAt, claimedAt, () => promise);
  const leaseUntil = await claimAnew();
  const notBefore = leaseUntil + 60_000;
  resolve({ nextAt: startedAt + SPACING_MS, notBefore });
  await leases.close(0);
  expect([await dueAt(), await busyUntil()]).toEqual([leaseUntil, notBefore]);
});

it("a worker that hung does not extend another's claim, and aborts its own request", async () => {
  const { leases, openLeases, target, startedAt, busyUntil, dueAt, claimAnew } = await openClaimed({ lookEveryMs: null });
  await leases.close(0);
  const leaseUntil = await claimAnew();
  const hung = openLeases(100);
  const { promise: reason, resolve } = Promise.withResolvers<unknown>();
  hung.hold(target, startedAt, performance.now(), ({ signal }) => {
    signal.addEventListener('abort', () => resolve(signal.reason));
    return endless(signal);
  });
  expect(await reason).toMatchObject({ message: expect.stringContaining('another worker') });
  await hung.close(0);
  expect([await dueAt(), await busyUntil()]).toEqual([leaseUntil, leaseUntil]);
});
