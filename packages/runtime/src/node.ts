/**
 * What every role needs of Redis, opened in order: connection, clock, bus, audit log, sessions,
 * queue.
 *
 * The folders of this package stand in layers. A file imports only from its own folder and from
 * folders further right (held by infra/checks):
 *
 *   node.ts → process → callbacks → connected → sessions → outbox → audit → keyring → tenants
 *           → statistics → polling → redis → metrics → log.ts, log-output.ts, log-text.ts,
 *           releasers.ts
 */

import type { Policy } from '@qrcast/core/schedule';
import { type AuditLimits, type AuditLog, openAuditLog } from './audit/audit-log.ts';
import { connectedSettingsIn, keepsCredentials } from './connected/connected-settings.ts';
import type { Logger } from './log.ts';
import { createMeters, type Meters } from './metrics/meters.ts';
import type { PollQueue } from './polling/poll-queue.ts';
import { openPollQueue } from './polling/poll-queue-bullmq.ts';
import type { Bus } from './redis/bus.ts';
import { clockOf, type MeasuredClock, openClock } from './redis/clock.ts';
import type { WatchOptions } from './redis/connection-watch.ts';
import { type Connections, NotReadyError, openConnections } from './redis/connections.ts';
import { clockKey, type Namespace } from './redis/keys.ts';
import { openBus } from './redis/open-bus.ts';
import { disconnectRedis } from './redis/redis.ts';
import { isCluster, type RedisClient } from './redis/redis-client.ts';
import { checkRedis } from './redis/start-check.ts';
import { createReleasers, type Releasers } from './releasers.ts';
import type { Sessions } from './sessions/sessions.ts';
import { openRedisSessions } from './sessions/sessions-redis.ts';
import { createStatisticsCount } from './statistics/statistics.ts';
import { openSums, type Sums } from './statistics/sums.ts';

export interface NodeOptions {
  readonly redisUrl: string;
  readonly namespace: Namespace;
  readonly policy: Policy;
  readonly auditLimits?: AuditLimits | undefined;
  /** How the connections to Redis are watched. Tests turn it off with it. */
  readonly watchOptions?: WatchOptions | undefined;
  /** Called once with a queue's name if its worker takes no jobs, and replacing it does not help. */
  readonly onWedged?: ((queue: string) => void) | undefined;
  /** Where this process counts what it does. Its own if left out. */
  readonly meters?: Meters | undefined;
  readonly log: Logger;
}

export interface Node {
  readonly meters: Meters;
  readonly connections: Connections;
  readonly redis: RedisClient;
  /** For the queues of BullMQ. */
  readonly producer: RedisClient;
  readonly clock: MeasuredClock;
  readonly bus: Bus;
  readonly audit: AuditLog;
  /** Written every few seconds. */
  readonly sums: Sums;
  readonly sessions: Sessions;
  readonly queue: PollQueue;
  /**
   * Resolves if nothing is known against the connections, Redis accepts a write now, and a message
   * published now comes back. Otherwise rejects within about a second.
   *
   * @throws {NotReadyError}
   */
  ready(): Promise<void>;
  close(): Promise<void>;
}

const READY_WITHIN_MS = 1_000;

/** @throws {UnfitRedisError} if Redis cannot be reached at the start, or does not fit. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one function: it opens the parts in the order in which they depend on one another.
export async function openNode(options: NodeOptions): Promise<Node> {
  const { redisUrl, namespace, log, meters = createMeters() } = options;
  await checkRedis({ redisUrl, namespace, log });
  const releasers = createReleasers();
  try {
    const connections = openConnections({ redisUrl, namespace, log, meters, watchOptions: options.watchOptions });
    const [redis, producer] = openClients(connections, releasers);
    const clock = await openClock(clockOf(redis, clockKey(namespace)));
    releasers.push('clock', () => clock.close());
    redis.on('ready', clock.doubt); // after a reconnect it may be another machine's Redis
    if (isCluster(redis)) redis.on('refresh', clock.doubt); // another node may have its slot
    const sums = openSums({ redis, namespace, log });
    releasers.push('sums', () => sums.close());
    const bus = openBus({ redis, connections, namespace, log, meters });
    releasers.push('bus', () => bus.close());
    const audit = openAuditLog({ redis, namespace, log, now: clock.now, limits: options.auditLimits });
    releasers.push('audit log', () => audit.close());
    const settingsOf = connectedSettingsIn({ redis, namespace });
    const sessions = openRedisSessions({
      ...options,
      meters,
      redis,
      bus,
      audit,
      countSteps: createStatisticsCount({ sums, namespace }),
      keepsCredentials: async (tenantId) => keepsCredentials(await settingsOf(tenantId)),
    });
    releasers.push('sessions', () => sessions.close());
    const queue = openPollQueue({ redis, producer, bus, connections, onWedged: options.onWedged, namespace, clock, log, meters });
    releasers.push('queue', () => queue.close());
    await bus.begun(); // an open node receives what is published
    return {
      meters,
      connections,
      redis,
      producer,
      clock,
      bus,
      audit,
      sums,
      sessions,
      queue,
      ready: sharedWhileUnderWay(() => proveWork({ connections, redis, bus, queue })),
      close: () => releasers.release(),
    };
  } catch (error) {
    await releasers.release();
    throw new Error('Redis could not be used; is it running, and is REDIS_URL right?', { cause: error });
  }
}

function openClients(connections: Connections, releasers: Releasers): [redis: RedisClient, producer: RedisClient] {
  const open = (role: 'commands' | 'producer'): RedisClient => {
    const client = connections.open(role);
    releasers.push(role, () => disconnectRedis(client));
    return client;
  };
  return [open('commands'), open('producer')];
}

/** Anybody may ask at any rate, so calls during a proof share its result. */
export function sharedWhileUnderWay(prove: () => Promise<void>): () => Promise<void> {
  let proof: Promise<void> | null = null;
  return () => {
    proof ??= prove().finally(() => {
      proof = null;
    });
    return proof;
  };
}

/** @throws {NotReadyError} */
async function proveWork({ connections, redis, bus, queue }: Pick<Node, 'connections' | 'redis' | 'bus' | 'queue'>): Promise<void> {
  const fault = connections.fault();
  if (fault !== null) throw new NotReadyError(fault);
  const says = (words: string) => (): never => {
    throw new NotReadyError(connections.fault() ?? words);
  };
  await connections.write(redis, READY_WITHIN_MS);
  await Promise.all([
    bus.probe(READY_WITHIN_MS).catch(says('a message published through Redis does not come back')),
    queue.ping(READY_WITHIN_MS).catch(says('Redis does not answer for new jobs')),
  ]);
}
