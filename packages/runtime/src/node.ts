/**
 * What every role needs of Redis, opened in order: connection, clock, bus, audit log, sessions,
 * queue.
 *
 * The folders of this package stand in layers. A file imports only from its own folder and from
 * folders further right (held by infra/checks):
 *
 *   node.ts → process → callbacks → connected → sessions → outbox → audit → keyring → tenants
 *           → polling → redis → log.ts, log-output.ts, releasers.ts
 */

import type { Policy } from '@qrcast/core/schedule';
import type { Redis } from 'ioredis';
import { type AuditLimits, type AuditLog, openAuditLog } from './audit/audit-log.ts';
import { connectedSettingsIn, keepsCredentials } from './connected/connected-settings.ts';
import type { Logger } from './log.ts';
import type { PollQueue } from './polling/poll-queue.ts';
import { openPollQueue } from './polling/poll-queue-bullmq.ts';
import { type Bus, openBus } from './redis/bus.ts';
import { type Clock, openClock } from './redis/clock.ts';
import type { Namespace } from './redis/keys.ts';
import { connectRedis, disconnectRedis } from './redis/redis.ts';
import { createReleasers } from './releasers.ts';
import type { Sessions } from './sessions/sessions.ts';
import { openRedisSessions } from './sessions/sessions-redis.ts';

export interface NodeOptions {
  readonly redisUrl: string;
  readonly namespace: Namespace;
  readonly policy: Policy;
  readonly auditLimits?: AuditLimits | undefined;
  readonly log: Logger;
}

export interface Node {
  readonly redis: Redis;
  readonly clock: Clock;
  readonly bus: Bus;
  readonly audit: AuditLog;
  readonly sessions: Sessions;
  readonly queue: PollQueue;
  /**
   * Resolves if a message published now comes back and the queue answers. Otherwise rejects within
   * about a second.
   */
  ready(): Promise<void>;
  close(): Promise<void>;
}

const READY_WITHIN_MS = 1_000;

/** @throws if Redis cannot be reached at the start. */
// One function: it opens the parts in the order in which they depend on one another.
export async function openNode(options: NodeOptions): Promise<Node> {
  const { redisUrl, namespace, log } = options;
  const releasers = createReleasers();
  try {
    const redis = connectRedis(redisUrl, 'commands', log);
    releasers.push('redis', () => disconnectRedis(redis));
    const clock = await openClock(redis);
    releasers.push('clock', () => clock.close());
    const bus = openBus({ redis, redisUrl, namespace, log });
    releasers.push('bus', () => bus.close());
    const audit = openAuditLog({ redis, namespace, log, now: clock.now, limits: options.auditLimits });
    releasers.push('audit log', () => audit.close());
    const settingsOf = connectedSettingsIn({ redis, namespace });
    const sessions = openRedisSessions({
      ...options,
      redis,
      bus,
      audit,
      keepsCredentials: async (tenantId) => keepsCredentials(await settingsOf(tenantId)),
    });
    releasers.push('sessions', () => sessions.close());
    const queue = openPollQueue({ redis, redisUrl, namespace, log });
    releasers.push('queue', () => queue.close());
    let proof: Promise<unknown> | null = null;
    await bus.connection.ping(); // answered after SUBSCRIBE: an open node receives what is published
    return {
      redis,
      clock,
      bus,
      audit,
      sessions,
      queue,
      async ready() {
        // Anybody may call this at any rate, so calls during a proof share its result.
        proof ??= Promise.all([bus.probe(READY_WITHIN_MS), queue.ping(READY_WITHIN_MS)]).finally(() => {
          proof = null;
        });
        await proof;
      },
      close: () => releasers.release(),
    };
  } catch (error) {
    await releasers.release();
    throw new Error('Redis could not be used; is it running, and is REDIS_URL right?', { cause: error });
  }
}
