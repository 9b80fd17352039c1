/**
 * For tests: a `commands` and a `producer` connection, a bus and a new namespace on the test Redis,
 * closed together.
 */

import { randomUUID } from 'node:crypto';
import { createSession, type NewSession, type Session } from '@qrcast/core/session';
import { createLog, type Logger } from '../src/log.ts';
import { createMeters, type Meters } from '../src/metrics/meters.ts';
import type { Bus } from '../src/redis/bus.ts';
import type { MeasuredClock } from '../src/redis/clock.ts';
import { WATCH_DEFAULTS } from '../src/redis/connection-watch.ts';
import { type Connections, openConnections } from '../src/redis/connections.ts';
import { openBus } from '../src/redis/open-bus.ts';
import { disconnectRedis } from '../src/redis/redis.ts';
import type { RedisClient } from '../src/redis/redis-client.ts';
import { steadyNow } from './wall-clock.ts';

export interface TestRuntime {
  readonly redis: RedisClient;
  readonly producer: RedisClient;
  readonly redisUrl: string;
  readonly connections: Connections;
  readonly bus: Bus;
  /** The clock of this machine, on which the test Redis runs too. */
  readonly clock: MeasuredClock;
  readonly namespace: string;
  readonly log: Logger;
  readonly meters: Meters;
  close(): Promise<void>;
}

/** `namespace`: that of another runtime, to stand for a second process. */
export function openTestRuntime(
  redisUrl: string,
  namespace = `test-${randomUUID().slice(0, 8)}`,
  watchOptions = WATCH_DEFAULTS,
  log = createLog('test', 'silent'),
): TestRuntime {
  const meters = createMeters();
  const connections = openConnections({ redisUrl, namespace, log, meters, watchOptions });
  const redis = connections.open('commands');
  const producer = connections.open('producer');
  const bus = openBus({ redis, connections, namespace, log, meters });
  return {
    redis,
    producer,
    redisUrl,
    connections,
    bus,
    clock: { now: () => Math.round(steadyNow()), doubt: () => undefined },
    namespace,
    log,
    meters,
    async close() {
      await bus.close();
      await Promise.all([disconnectRedis(redis), disconnectRedis(producer)]);
    },
  };
}

/** A new session that began at `now`. */
export function sampleSession(fields: Partial<NewSession> = {}, now = Date.now()): Session {
  const id = fields.id ?? `ses_${randomUUID().replaceAll('-', '')}`;
  const base: NewSession = {
    id,
    tenantId: 'acme',
    instanceId: '1101000001',
    instanceKey: id.slice(4, 20),
    reference: null,
    expectedPhone: null,
    locale: null,
    returnUrl: null,
    logoutOnMismatch: false,
    relink: false,
    expiresAt: now + 3_600_000,
  };
  return createSession({ ...base, ...fields }, 180_000, now);
}
