/** For tests: the sets of one shard, which a test fills itself, and the scripts that work on them. */

import { afterAll, beforeAll, beforeEach, expect, inject } from 'vitest';
import { shardKeys } from '../src/redis/keys.ts';
import { type LuaScript, loadLuaScript } from '../src/redis/lua-script.ts';
import { redisNow } from './redis-time.ts';
import { openTestRuntime, type TestRuntime } from './runtime.ts';

export const LEASE_MS = 60_000;
/** Longer than a test takes, so that "now" is never in doubt. */
export const HOUR_MS = 3_600_000;

type SetName = 'due' | 'watch' | 'busy' | 'claims';
const INDEX = { due: 0, watch: 1, busy: 2, claims: 4 } as const;

export interface TestShard {
  readonly runtime: TestRuntime;
  readonly keys: ReturnType<typeof shardKeys>;
  /** Redis's time at the start of the test, Unix ms. */
  readonly startedAt: number;
  now(): Promise<number>;
  /** `name`: of the file in src/polling, without its ending. */
  script(name: string): LuaScript;
  add(set: SetName, member: string, score: number): Promise<unknown>;
  scoreOf(set: SetName, member: string): Promise<number | null>;
  /** What a poke asked for. */
  poked(member: string): Promise<string | null>;
  /** That a time lies as far from now as told, "now" being within this test. */
  expectFromNow(time: number | null, distanceMs: number): Promise<void>;
}

/** Call it at the top of a test file. Each test has an empty shard of its own. */
export function prepareShard(): TestShard {
  let runtime: TestRuntime;
  let keys: ReturnType<typeof shardKeys>;
  let shards = 0;
  let startedAt = 0;
  beforeAll(() => {
    runtime = openTestRuntime(inject('redisUrl'));
  });
  afterAll(() => runtime.close());
  beforeEach(async () => {
    keys = shardKeys(runtime.namespace, shards++);
    startedAt = await redisNow(runtime.redis);
  });

  return {
    get runtime() {
      return runtime;
    },
    get keys() {
      return keys;
    },
    get startedAt() {
      return startedAt;
    },
    now: () => redisNow(runtime.redis),
    script: (name) => loadLuaScript(runtime.redis, new URL(`../src/polling/${name}.lua`, import.meta.url)),
    add: (set, member, score) => runtime.redis.zadd(keys[INDEX[set]], score, member),
    async scoreOf(set, member) {
      const score = await runtime.redis.zscore(keys[INDEX[set]], member);
      return score === null ? null : Number(score);
    },
    poked: (member) => runtime.redis.hget(keys[3], member),
    async expectFromNow(time, distanceMs) {
      expect(time).toBeGreaterThanOrEqual(startedAt + distanceMs);
      expect(time).toBeLessThanOrEqual((await redisNow(runtime.redis)) + distanceMs);
    },
  };
}
