/**
 * All Redis connections of a process. Each is watched (connection-watch.ts), and together they say
 * what is wrong with Redis. They log when they are lost and back, so callers need not.
 */

import { randomUUID } from 'node:crypto';
import type { Redis, RedisOptions } from 'ioredis';
import type { Logger } from '../log.ts';
import { type ConnectionWatch, createConnectionWatch, WATCH_DEFAULTS, type WatchDeps, type WatchOptions } from './connection-watch.ts';
import { errorWord } from './error-words.ts';
import { type Namespace, probeKey } from './keys.ts';
import { createMasterFollower, FOLLOW_EVERY_MS } from './master-follow.ts';
import { createRedis, type RedisRole } from './redis.ts';
import { within } from './within.ts';

export interface Connections {
  /** Close it with `disconnectRedis`. */
  open(role: RedisRole, options?: OpenOptions): Redis;
  readonly watchOptions: WatchOptions;
  /** What is wrong now, in words that hold no secret. Null if nothing is known. */
  fault(): string | null;
  /**
   * Resolves when Redis accepted a write over `redis`. @throws {NotReadyError} if it refused or did
   * not answer within `timeoutMs`.
   */
  write(redis: Redis, timeoutMs: number): Promise<void>;
}

export interface OpenOptions {
  /** The queue that the connection serves. */
  readonly queue?: string;
  /** What else the role has to do. Rejects with a `UselessError` if the connection does not do it. */
  readonly alsoProve?: () => Promise<void>;
}

export interface ConnectionsDeps {
  readonly redisUrl: string;
  readonly namespace: Namespace;
  readonly log: Logger;
  /** Tests turn the watch off with it. */
  readonly watchOptions?: WatchOptions | undefined;
}

/** Its message is for outside: it holds no secret. */
export class NotReadyError extends Error {}

/** What a readiness check may tell anybody. Other errors may hold addresses. */
export const notReadyReason = (error: unknown): string => (error instanceof NotReadyError ? error.message : 'Redis does not answer');

/** A process that died leaves its key behind for this long. */
const PROBE_KEY_MS = 60_000;

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: a method for each call of the interface, over the same watches.
export function openConnections({ redisUrl, namespace, log, watchOptions = WATCH_DEFAULTS }: ConnectionsDeps): Connections {
  const watches = new Map<ConnectionWatch, string>();
  const key = probeKey(namespace, randomUUID());
  const refusals = createRefusals(log);
  const follower = createMasterFollower({ redisUrl, log, everyMs: watchOptions.followEveryMs ?? FOLLOW_EVERY_MS });

  async function write(redis: Redis): Promise<void> {
    // Over RESP2 a subscribed connection takes no other commands.
    if (redis.mode !== 'subscriber') await redis.set(key, '1', 'PX', PROBE_KEY_MS);
  }

  function watched(role: string, deps: Pick<WatchDeps, 'proofs' | 'whileWaiting'>, { queue, alsoProve }: OpenOptions) {
    const watch = createConnectionWatch({
      ...deps,
      label: queue === undefined ? { role } : { role, queue },
      log,
      options: watchOptions,
      write,
      alsoProve,
      onReplica(word) {
        for (const other of watches.keys()) if (other !== watch) other.reconnect(word);
      },
      onWrites: (refusedWith) => refusals.set(watch, refusedWith),
    });
    watches.set(watch, `the Redis connection for ${WORK_OF[role] ?? role}`);
    return watch;
  }

  return {
    watchOptions,
    open(role, options = {}) {
      const watch = watched(role, { proofs: 'often', whileWaiting: role === 'commands' ? 'reject' : 'queue' }, options);
      const redis = createRedis(redisUrl, role, watch.redisOptions);
      watch.attach(redis);
      const unfollow = follower.follow(redis, () => watch.reconnect('failover'));
      redis.once('end', () => {
        watches.delete(watch);
        unfollow();
      });
      if (role === 'queue') {
        watchDuplicates(redis, (duplicate) => {
          const copy = watched('blocking', { proofs: 'whenReady', whileWaiting: 'queue' }, options);
          // BullMQ has closed it too. If it was reconnecting then, it says nothing and would count as
          // lost for ever.
          const opened = duplicate(copy);
          const unfollowCopy = follower.follow(opened, () => copy.reconnect('failover'));
          redis.once('end', () => {
            watches.delete(copy);
            unfollowCopy();
          });
          return opened;
        });
      }
      return redis;
    },
    fault() {
      for (const [watch, name] of watches) {
        const reason = watch.lostBy();
        if (reason !== null) return `${name} is lost (${reason})`;
      }
      return refusals.words();
    },
    async write(redis, timeoutMs) {
      const answer = await within(timeoutMs, write(redis)).catch((error: unknown) => ({ word: errorWord(error) }));
      if (answer === undefined) return;
      throw new NotReadyError(answer.word === null ? 'Redis does not answer' : refused(answer.word));
    },
  };
}

const WORK_OF: Readonly<Record<string, string>> = {
  commands: 'commands',
  subscriber: 'subscriptions',
  queue: 'queues',
  blocking: 'waiting jobs',
};

const refused = (word: string): string => `Redis refuses writes (${word})`;

/** BullMQ makes its blocking connection as a duplicate of the one that it is given. */
function watchDuplicates(redis: Redis, open: (duplicate: (watch: ConnectionWatch) => Redis) => Redis): void {
  const duplicate = redis.duplicate.bind(redis);
  redis.duplicate = (override?: RedisOptions) =>
    open((watch) => {
      const copy = duplicate({ ...override, ...watch.redisOptions });
      watch.attach(copy);
      return copy;
    });
}

/** What Redis answers to writes, over all connections. Logs each word once. */
function createRefusals(log: Logger) {
  const words = new Map<ConnectionWatch, string>();
  let logged: string | null = null;
  return {
    set(watch: ConnectionWatch, word: string | null): void {
      if (word === null) words.delete(watch);
      else words.set(watch, word);
      const [first = null] = words.values();
      if (first === logged) return;
      if (first === null) log.info('redis accepts writes again');
      else log.error({ reason: first }, 'redis refuses writes; nothing works until it accepts them again');
      logged = first;
    },
    words(): string | null {
      const [first] = words.values();
      return first === undefined ? null : refused(first);
    },
  };
}
