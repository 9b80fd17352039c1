/** Leases that a frozen Redis was asked for, after their callers have given up. */

import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { later, newTarget } from '../../test/poll-queue.ts';
import { openTestRuntime, type TestRuntime } from '../../test/runtime.ts';
import { scoreOfMark } from '../../test/work-part.ts';
import { sessionMark } from '../outbox/marks.ts';
import { createOutbox } from '../outbox/outbox.ts';
import { createOutboxClaims } from '../outbox/outbox-claims.ts';
import { createInstanceHolds } from '../polling/instance-hold.ts';
import { createPollClaims } from '../polling/poll-claims.ts';
import { openPollQueue } from '../polling/poll-queue-bullmq.ts';
import { pollMember, shardOf } from '../polling/shards.ts';
import type { MeasuredClock } from '../redis/clock.ts';
import { checksKey, sessionKey, shardKeys, startOverLockKey } from '../redis/keys.ts';
import { createLocks } from '../redis/locks.ts';
import { findRedisProgram, openRedisServer, type RedisServer } from '../redis/redis-server.ts';
import { partOf, workParts } from '../redis/work-parts.ts';
import { createCheckQueue } from './check-queue.ts';

let folder: string;
let server: RedisServer;
let runtime: TestRuntime;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'qrcast-test-'));
  server = await openRedisServer({ program: findRedisProgram(process.env['PATH'] ?? '') ?? 'redis-server', folder, persistent: false });
  runtime = openTestRuntime(server.url);
  await runtime.redis.ping();
});
afterEach(async () => {
  process.kill(server.pid, 'SIGCONT');
  await runtime.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

interface Taking {
  /** Prepares what can be taken. Resolves to the call that takes it. */
  readonly prepare: (runtime: TestRuntime, clock: MeasuredClock) => Promise<() => Promise<unknown>>;
  /** The score that shows whether it is taken. */
  readonly score: (runtime: TestRuntime) => Promise<string | null>;
  /** A caller that was not told whether it has it gives it back. */
  readonly isGivenBack?: boolean;
}

const target = newTarget();
const DUE = 0;
const BUSY = 2;
const keyOf = ({ namespace }: TestRuntime, set: typeof DUE | typeof BUSY): string => shardKeys(namespace, shardOf(target))[set];

const TAKINGS: Readonly<Record<string, Taking>> = {
  'the claim of a poll': {
    async prepare(deps, clock) {
      const queue = openPollQueue(deps);
      await queue.ensure(target, later(), 1_000);
      await queue.close();
      const leases = { hold: () => undefined, size: () => 0, tenantsAbove: () => [], close: async () => undefined };
      const handlers = { poll: async () => ({ nextAt: null }), unwatched: async () => undefined };
      const claims = createPollClaims({ ...deps, clock, leases, handlers, concurrency: 10 });
      return () => claims.claimDue(shardOf(target));
    },
    score: (of) => of.redis.zscore(keyOf(of, DUE), pollMember(target)),
  },
  'the hold of an instance': {
    prepare: async (deps, clock) => {
      const holds = createInstanceHolds({ ...deps, clock });
      return () => holds.take(target.instanceKey);
    },
    score: (of) => of.redis.zscore(keyOf(of, BUSY), target.instanceKey),
  },
  'the claim of marks': {
    async prepare(deps, clock) {
      await createOutbox(deps).mark(sessionMark('ses_1'));
      const claims = createOutboxClaims({ ...deps, clock });
      const part = partOf(workParts(deps.namespace, deps.redis), sessionKey(deps.namespace, 'ses_1'));
      return () => claims.claim(part, 10, 0);
    },
    score: (of) => scoreOfMark(of, 'session|ses_1'),
  },
  'a lock': {
    async prepare(deps, clock) {
      const locks = createLocks({ ...deps, clock });
      const options = { leaseMs: 60_000, taken: () => new Error('taken') };
      return () => locks.alone(startOverLockKey(deps.namespace, 'key'), options, () => expect.unreachable('its caller has given up'));
    },
    score: (of) => of.redis.get(startOverLockKey(of.namespace, 'key')),
    isGivenBack: true,
  },
  'the claim of checks': {
    async prepare(deps, clock) {
      await deps.redis.zadd(checksKey(deps.namespace, 'acme'), 1, '1101');
      const checks = createCheckQueue({ ...deps, clock });
      return () => checks.claim('acme', 10);
    },
    score: (of) => of.redis.zscore(checksKey(of.namespace, 'acme'), '1101'),
  },
};

async function loadAllScripts(): Promise<void> {
  const sources = join(import.meta.dirname, '..');
  for (const file of globSync('**/*.lua', { cwd: sources })) await runtime.redis.script('LOAD', readFileSync(join(sources, file), 'utf8'));
}

/** Resolves to the scores before and after a call that Redis got while it was frozen. */
async function takeFromFrozen({ prepare, score }: Taking, clock: MeasuredClock): Promise<readonly [string | null, string | null]> {
  const take = await prepare(runtime, clock);
  await loadAllScripts(); // or a call that wakes up would only be told that Redis does not know its script
  const before = await score(runtime);
  process.kill(server.pid, 'SIGSTOP');
  await expect(take()).rejects.toThrow('timed out');
  process.kill(server.pid, 'SIGCONT');
  await runtime.redis.ping(); // answered after all that Redis got before
  return [before, await score(runtime)];
}

describe.each(Object.entries(TAKINGS))('%s', (_name, taking) => {
  it('takes nothing when Redis wakes after its caller has given up', async () => {
    const [before, after] = await takeFromFrozen(taking, runtime.clock);
    expect(after).toBe(before);
  });

  const endless = { now: () => runtime.clock.now() + 3_600_000, doubt: () => undefined };

  it.skipIf(taking.isGivenBack === true)('(twin) takes it for nobody without a last moment', async () => {
    const [before, after] = await takeFromFrozen(taking, endless);
    expect(after).not.toBe(before);
  });

  it.runIf(taking.isGivenBack === true)('is given back by a caller that was not told that it has it', async () => {
    const [before] = await takeFromFrozen(taking, endless);
    await expect.poll(() => taking.score(runtime)).toBe(before);
  });
});
