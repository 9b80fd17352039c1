import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { type CheckQueue, createCheckQueue } from './check-queue.ts';
import { createInstanceHolds, type InstanceHolds } from './instance-hold.ts';
import { shardKeys, shardOfInstance } from './keys.ts';
import { newTarget } from './test-poll-queue.ts';
import { openTestRuntime, type TestRuntime } from './test-runtime.ts';

const HOUR_MS = 3_600_000;

let runtime: TestRuntime;
let checks: CheckQueue;
let holds: InstanceHolds;
let instanceKey: string;
beforeEach(() => {
  runtime = openTestRuntime(inject('redisUrl'));
  checks = createCheckQueue({ ...runtime, clock: Date });
  holds = createInstanceHolds({ ...runtime, now: Date.now });
  instanceKey = newTarget().instanceKey;
});
afterEach(() => runtime.close());

const busyKey = (): string => shardKeys(runtime.namespace, shardOfInstance(instanceKey))[2];
const busyUntil = async (): Promise<number> => Number(await runtime.redis.zscore(busyKey(), instanceKey));

async function taken(): Promise<number> {
  const turn = await checks.takeTurn(instanceKey);
  return 'startedAt' in turn ? turn.startedAt : expect.unreachable();
}

/** As after a request that took longer than the turn: somebody else has the instance by then. */
async function lateTurn(): Promise<{ startedAt: number; others: number }> {
  const startedAt = await taken();
  await runtime.redis.zrem(busyKey(), instanceKey);
  const hold = await holds.take(instanceKey);
  if (hold.kind === 'busy') throw new Error('expected a free instance');
  return { startedAt: startedAt - 6_000, others: await busyUntil() };
}

describe('the turn of a check', () => {
  it('leaves the spacing behind, and the quiet that the provider wants', async () => {
    const startedAt = await taken();
    await checks.endTurn(instanceKey, startedAt, 0);
    expect(await busyUntil()).toBe(startedAt + 1_100);
    await runtime.redis.zrem(busyKey(), instanceKey);
    const quietUntil = Date.now() + HOUR_MS;
    await checks.endTurn(instanceKey, await taken(), quietUntil);
    expect(await busyUntil()).toBe(quietUntil);
  });

  it('frees nobody else who took the instance after a slow answer', async () => {
    const { startedAt, others } = await lateTurn();
    await checks.endTurn(instanceKey, startedAt, 0);
    expect(await busyUntil()).toBe(others);
  });

  it('ends no quiet that somebody else was told of', async () => {
    const startedAt = await taken();
    await holds.keepQuiet(instanceKey, HOUR_MS);
    const quiet = await busyUntil();
    await checks.endTurn(instanceKey, startedAt, startedAt + 20_000);
    expect(await busyUntil()).toBe(quiet);
  });

  it('tells the quiet also where somebody else has the instance by then', async () => {
    const { startedAt } = await lateTurn();
    const quietUntil = Date.now() + HOUR_MS;
    await checks.endTurn(instanceKey, startedAt, quietUntil);
    expect(await busyUntil()).toBe(quietUntil);
  });
});
