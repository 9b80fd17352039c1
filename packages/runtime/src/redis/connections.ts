/**
 * All Redis connections of a process. Each is watched (connection-watch.ts, cluster-watch.ts), and
 * together they say what is wrong with Redis. They log when they are lost and back, so callers need
 * not.
 */

import { randomUUID } from 'node:crypto';
import type { Cluster, Redis, RedisOptions } from 'ioredis';
import type { Logger } from '../log.ts';
import type { Meters } from '../metrics/meters.ts';
import { masterOfSlot, mastersOf, type NodeName, slotOf } from './cluster-client.ts';
import { isClusterUrl } from './cluster-url.ts';
import { type ClusterWatch, watchCluster } from './cluster-watch.ts';
import { timeCommands } from './command-times.ts';
import { type ConnectionWatch, createConnectionWatch, WATCH_DEFAULTS, type WatchDeps, type WatchOptions } from './connection-watch.ts';
import { errorWord } from './error-words.ts';
import { type Namespace, probeKey, queueProbeKey, type WorkPart } from './keys.ts';
import { createMasterFollower, FOLLOW_EVERY_MS } from './master-follow.ts';
import { createClusterRedis, createNodeRedis, createRedis, type RedisRole } from './redis.ts';
import { isCluster, type RedisClient } from './redis-client.ts';
import { within } from './within.ts';

export interface Connections {
  /** Close it with `disconnectRedis`. */
  open(role: ClientRole, options?: OpenOptions): RedisClient;
  /** As `open`. In a cluster it leads to one node. */
  openSubscriber(options: SubscriberOptions): Redis;
  readonly watchOptions: WatchOptions;
  /** What is wrong now, in words that hold no secret. Null if nothing is known. */
  fault(): string | null;
  /**
   * Resolves when Redis accepted a write over `redis`. @throws {NotReadyError} if it refused or did
   * not answer within `timeoutMs`.
   */
  write(redis: RedisClient, timeoutMs: number): Promise<void>;
}

type ClientRole = Exclude<RedisRole, 'subscriber'>;

export interface OpenOptions {
  /** The queue that the connection serves, and where it stands. */
  readonly queue?: string;
  readonly part?: WorkPart;
}

export interface SubscriberOptions {
  /** The node of a cluster. */
  readonly node?: NodeName;
  /** A key at this node, for the proofs. Null: it has no slots. */
  readonly writeKey?: () => string | null;
  /** What else the role has to do. Rejects with a `UselessError` if the connection does not do it. */
  readonly alsoProve: () => Promise<void>;
}

export interface ConnectionsDeps {
  readonly redisUrl: string;
  readonly namespace: Namespace;
  readonly log: Logger;
  readonly meters: Meters;
  /** Tests turn the watch off with it. */
  readonly watchOptions?: WatchOptions | undefined;
}

/** Its message is for outside: it holds no secret. */
export class NotReadyError extends Error {}

/** What a readiness check may tell anybody. Of a cluster it names nodes. Other errors may hold more. */
export const notReadyReason = (error: unknown): string => (error instanceof NotReadyError ? error.message : 'Redis does not answer');

/** A process that died leaves its key behind for this long. */
const PROBE_KEY_MS = 60_000;

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: a method for each call of the interface, over the same watches.
export function openConnections(deps: ConnectionsDeps): Connections {
  const { redisUrl, namespace, log, watchOptions = WATCH_DEFAULTS, meters } = deps;
  const watches = new Map<ConnectionWatch, string>();
  const clusters = new Map<RedisClient, { readonly watch: ClusterWatch; readonly name: string }>();
  const id = randomUUID();
  const key = probeKey(namespace, id);
  const refusals = createRefusals(log);
  const follower = createMasterFollower({ redisUrl, log, everyMs: watchOptions.followEveryMs ?? FOLLOW_EVERY_MS });

  async function write(redis: Redis): Promise<void> {
    // Over RESP2 a subscribed connection takes no other commands.
    if (redis.mode !== 'subscriber') await redis.set(key, '1', 'PX', PROBE_KEY_MS);
  }

  /** @param at a key that this node of a cluster has. It may just have left, and then that is an answer, too. */
  async function writeAt(redis: Redis, at: string | null): Promise<void> {
    const proof = at === null ? redis.ping() : redis.set(at, '1', 'PX', PROBE_KEY_MS);
    await proof.catch((error: unknown) => {
      const word = errorWord(error);
      if (word !== 'MOVED' && word !== 'ASK') throw error;
    });
  }

  function watched(label: Label, deps: Pick<WatchDeps, 'proofs' | 'whileWaiting'> & Partial<Pick<WatchDeps, 'write' | 'alsoProve'>>) {
    const watch = createConnectionWatch({
      write: (redis) => write(redis),
      alsoProve: undefined,
      ...deps,
      label,
      log,
      options: watchOptions,
      onReplica(word) {
        for (const other of watches.keys()) if (other !== watch) other.reconnect(word);
      },
      onWrites: (refusedWith) => refusals.set(watch, refusedWith),
      onLost: (reason) => countLoss(meters, label, reason),
    });
    watches.set(watch, nameOf(label));
    return watch;
  }

  /** Watches the connection until `until` ends. */
  function attach(watch: ConnectionWatch, redis: Redis, until = redis): Redis {
    const unfollow = follower.follow(redis, () => watch.reconnect('failover'));
    until.once('end', () => {
      watches.delete(watch);
      unfollow();
    });
    return redis;
  }

  function openServer(role: ClientRole, label: Label): Redis {
    const watch = watched(label, { proofs: 'often', whileWaiting: role === 'queue' ? 'queue' : 'reject' });
    const redis = createRedis(redisUrl, role, watch.redisOptions);
    watch.attach(redis);
    attach(watch, redis);
    if (role === 'queue') {
      watchDuplicates(redis, (duplicate) => {
        const copy = watched({ ...label, role: 'blocking' }, { proofs: 'whenReady', whileWaiting: 'queue' });
        // BullMQ has closed it too. If it was reconnecting then, it says nothing and would count as
        // lost for ever. So it is watched until the other one ends.
        return attach(copy, duplicate(copy), redis);
      });
    }
    return redis;
  }

  function openCluster(role: ClientRole, label: Label, part?: WorkPart): Cluster {
    const cluster = createClusterRedis(redisUrl, role);
    const queueKey = part === undefined ? null : queueProbeKey(part, id);
    const clusterId = randomUUID();
    const watch = watchCluster(cluster, {
      label,
      log,
      options: watchOptions,
      masters: () =>
        queueKey === null ? mastersOf(cluster) : [masterOfSlot(cluster, slotOf(queueKey))].filter((master) => master !== undefined),
      keyOf: (nth) => queueKey ?? probeKey(namespace, `${id}:{${nth}}`),
      write: (at) => cluster.set(at, '1', 'PX', PROBE_KEY_MS),
      onWrites: (master, refusedWith) => refusals.set(`${clusterId} ${master}`, refusedWith),
      onLost: (reason) => countLoss(meters, label, reason),
    });
    clusters.set(cluster, { watch, name: nameOf(label) });
    cluster.once('end', () => {
      watch.close();
      clusters.delete(cluster);
    });
    return cluster;
  }

  async function proveWrite(redis: RedisClient): Promise<void> {
    if (!isCluster(redis)) return write(redis);
    await clusters.get(redis)?.watch.write();
  }

  meters.gauge('qrcast_redis_writable', () => {
    const isLost = [...watches.keys()].some((watch) => watch.lostBy() !== null) || [...clusters.values()].some(({ watch }) => watch.lost());
    return isLost ? null : Number(refusals.words() === null);
  });

  return {
    watchOptions,
    open(role, { queue, part } = {}) {
      const label = queue === undefined ? { role } : { role, queue };
      const redis = isClusterUrl(redisUrl) ? openCluster(role, label, part) : openServer(role, label);
      if (role !== 'queue') timeCommands(redis, meters);
      return redis;
    },
    openSubscriber({ node, writeKey, alsoProve }) {
      const role = 'subscriber';
      const watch = watched(node === undefined ? { role } : { role, node }, {
        proofs: 'often',
        whileWaiting: 'queue',
        write: (redis) => (writeKey === undefined ? write(redis) : writeAt(redis, writeKey())),
        alsoProve,
      });
      const redis =
        node === undefined ? createRedis(redisUrl, role, watch.redisOptions) : createNodeRedis(redisUrl, node, role, watch.redisOptions);
      watch.attach(redis);
      catchSubscriptions(redis);
      return attach(watch, redis);
    },
    fault() {
      for (const [watch, name] of watches) {
        const reason = watch.lostBy();
        if (reason !== null) return `${name} is lost (${reason})`;
      }
      for (const { watch, name } of clusters.values()) {
        const lost = watch.lost();
        if (lost !== null) return `${name} to ${lost.master} is lost (${lost.reason})`;
      }
      return refusals.words();
    },
    async write(redis, timeoutMs) {
      const answer = await within(timeoutMs, proveWrite(redis)).catch((error: unknown) => ({ word: errorWord(error) }));
      if (answer === undefined) return;
      throw new NotReadyError(answer.word === null ? 'Redis does not answer' : refused(answer.word));
    },
  };
}

function countLoss(meters: Meters, { role }: Label, reason: string): void {
  meters.counter('qrcast_bus_reconnects_total', { role, reason }).add();
}

/** Fields of each log line of a connection. */
type Label = Readonly<Record<'role', string>> & Readonly<Partial<Record<'queue' | 'node', string>>>;

const nameOf = ({ role, node }: Label): string =>
  `the Redis connection for ${WORK_OF[role] ?? role}${node === undefined ? '' : ` to ${node}`}`;

const WORK_OF: Readonly<Record<string, string>> = {
  commands: 'commands',
  producer: 'new jobs',
  subscriber: 'subscriptions',
  queue: 'queues',
  blocking: 'waiting jobs',
};

const refused = (word: string): string => `Redis refuses writes (${word})`;

/**
 * After a reconnect ioredis subscribes again by itself, and awaits no answer. If the connection is
 * closed meanwhile, nobody would catch that.
 */
function catchSubscriptions(redis: Redis): void {
  const subscribe = redis.subscribe.bind(redis) as (...args: unknown[]) => Promise<unknown>;
  redis.subscribe = ((...args: unknown[]) => {
    const subscribed = subscribe(...args);
    subscribed.catch(() => undefined); // who awaits it gets the error, too
    return subscribed;
  }) as typeof redis.subscribe;
}

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
  const words = new Map<ConnectionWatch | string, string>();
  let logged: string | null = null;
  return {
    set(of: ConnectionWatch | string, word: string | null): void {
      if (word === null) words.delete(of);
      else words.set(of, word);
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
