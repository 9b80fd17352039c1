/**
 * For tests: callbacks of sessions in the test Redis, which this process sends to the test's
 * servers, as a worker would.
 */

import { randomBytes, randomUUID } from 'node:crypto';
import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import type { Session } from '@qrcast/core/session';
import { type CallbackLog, createCallbackLog, type LoggedCallback } from '@qrcast/runtime/callbacks/callback-log';
import { createRelayLanes, type Lane, type RelayLanes } from '@qrcast/runtime/callbacks/relay-lanes';
import { createKeyring, type Keyring } from '@qrcast/runtime/keyring/keyring';
import { createLog } from '@qrcast/runtime/log';
import { createOutbox, type Outbox } from '@qrcast/runtime/outbox/outbox';
import { type MeasuredClock, openClock } from '@qrcast/runtime/redis/clock';
import { openConnections } from '@qrcast/runtime/redis/connections';
import { tenantsKey } from '@qrcast/runtime/redis/keys';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import { openRedisSessions } from '@qrcast/runtime/sessions/sessions-redis';
import { tenantContext } from '@qrcast/runtime/tenants/tenant-record';
import { openTestReceiver, type Received, type TestReceiver } from '@qrcast/runtime/test/receiver';
import type {} from '@qrcast/runtime/test/redis'; // for the type of inject('redisUrl')
import { openTestRuntime, sampleSession, type TestRuntime } from '@qrcast/runtime/test/runtime';
import { Webhook } from 'standardwebhooks';
import { afterEach, inject } from 'vitest';
import { startCallbacks } from '../src/callbacks/start-callbacks.ts';

export interface TestTenant {
  readonly id: string;
  readonly secret: string;
}

export interface TestCallbacks {
  readonly runtime: TestRuntime;
  readonly keyring: Keyring;
  readonly clock: MeasuredClock;
  readonly sessions: Sessions;
  readonly callbackLog: CallbackLog;
  readonly relayLanes: RelayLanes;
  readonly outbox: Outbox;
  readonly logged: readonly string[];
  tenant(addresses: { callback?: string; relay?: string; previousSecret?: string }, id?: string): Promise<TestTenant>;
  /** Creates a session and ends it. */
  end(tenant: TestTenant): Promise<Session>;
  relay(lane: Lane, body: string): Promise<void>;
  /** Resolves when the tenant has `count` callbacks (1 by default) in this state. */
  untilLogged(tenant: TestTenant, state: LoggedCallback['state'], count?: number): Promise<readonly LoggedCallback[]>;
  /** Starts another worker in this process. */
  startWorker(options?: { callbackHosts?: readonly string[]; redisUrl?: string }): Promise<(graceMs: number) => Promise<void>>;
  close(): Promise<void>;
}

export const newCallbackSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

export interface TestCallbacksOptions {
  readonly callbackHosts: readonly string[];
  readonly callbackDelaysMs?: readonly number[];
  readonly workers?: number;
}

async function openTestCallbacks(options: TestCallbacksOptions): Promise<TestCallbacks> {
  const releasers = createReleasers();
  const runtime = openTestRuntime(inject('redisUrl'));
  releasers.push('runtime', () => runtime.close());
  const clock = await openClock(runtime.redis);
  releasers.push('clock', () => clock.close());
  const sessions = openRedisSessions({ ...runtime, policy: DEFAULT_POLICY });
  releasers.push('sessions', () => sessions.close());
  const keyring = createKeyring([{ id: 'k1', key: randomBytes(32) }]);
  const callbackLog = createCallbackLog(runtime);
  const relayLanes = createRelayLanes(runtime);
  const outbox = createOutbox(runtime);
  const { logged, startWorker } = createWorkers({ runtime, keyring, clock, releasers }, options);
  for (let i = 0; i < (options.workers ?? 1); i++) await startWorker();
  return {
    runtime,
    keyring,
    clock,
    sessions,
    callbackLog,
    relayLanes,
    outbox,
    logged,
    tenant: (addresses, id = `t-${randomUUID().slice(0, 8)}`) => addTenant({ runtime, keyring }, addresses, id),
    end: (tenant) => endSession({ sessions, clock }, tenant),
    async relay(lane, body) {
      await outbox.markAround({ kind: 'relay', ...lane }, () => relayLanes.push(lane, body, clock.now()));
    },
    untilLogged: (tenant, state, count = 1) => untilLogged(callbackLog, tenant, state, count),
    startWorker,
    close: () => releasers.release(),
  };
}

interface WorkersDeps extends Pick<TestCallbacks, 'runtime' | 'keyring' | 'clock'> {
  readonly releasers: Releasers;
}

/** Workers of this process, which share one log. */
function createWorkers(
  { runtime, keyring, clock, releasers }: WorkersDeps,
  { callbackHosts, callbackDelaysMs = [50] }: TestCallbacksOptions,
): Pick<TestCallbacks, 'logged' | 'startWorker'> {
  const logged: string[] = [];
  const log = createLog('worker', 'trace', { write: (line) => void logged.push(line) });
  return {
    logged,
    async startWorker(options = {}) {
      const stop = await startCallbacks({
        ...runtime,
        keyring,
        clock,
        log,
        callbackHosts,
        callbackDelaysMs,
        relayDelaysMs: [50],
        ...options,
        ...(options.redisUrl === undefined ? {} : { connections: openConnections({ ...runtime, redisUrl: options.redisUrl }) }),
      });
      releasers.push('worker', () => stop(0));
      return stop;
    },
  };
}

async function addTenant(
  { runtime, keyring }: Pick<TestCallbacks, 'runtime' | 'keyring'>,
  { callback, relay, previousSecret }: Parameters<TestCallbacks['tenant']>[0],
  id: string,
): Promise<TestTenant> {
  const secret = newCallbackSecret();
  const seal = (text: string): string => keyring.seal(text, tenantContext(id));
  const record = {
    id,
    callback: callback === undefined ? null : { url: callback },
    relay: relay === undefined ? null : { url: relay },
    sealedCallbackSecret: seal(secret),
    previousCallbackSecret: previousSecret === undefined ? null : { sealed: seal(previousSecret), validUntil: Date.now() + 60_000 },
  };
  await runtime.redis.hset(tenantsKey(runtime.namespace), id, JSON.stringify(record));
  return { id, secret };
}

async function endSession({ sessions, clock }: Pick<TestCallbacks, 'sessions' | 'clock'>, tenant: TestTenant): Promise<Session> {
  const session = sampleSession({ tenantId: tenant.id });
  await sessions.create(session, '');
  const ended = await sessions.apply(session.id, { kind: 'cancelled', at: clock.now() });
  if (ended === null) throw new Error('the session is gone');
  return ended;
}

async function untilLogged(
  callbackLog: CallbackLog,
  tenant: TestTenant,
  state: LoggedCallback['state'],
  count: number,
): Promise<readonly LoggedCallback[]> {
  for (;;) {
    const ids = await callbackLog.page(tenant.id, null, 1_000);
    const all = await Promise.all(ids.map((id) => callbackLog.find(tenant.id, id)));
    const found = all.filter((one) => one !== null && one.state === state) as LoggedCallback[]; // nulls are filtered out
    if (found.length >= count) return found;
  }
}

/** Call it at the top of a test file. What a test opens is closed after it. */
export function prepareCallbacks() {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });
  return {
    async receiver(port?: number): Promise<TestReceiver> {
      const opened = await openTestReceiver(port);
      open.push(opened);
      return opened;
    },
    async callbacks(receivers: readonly TestReceiver[], options: Partial<TestCallbacksOptions> = {}): Promise<TestCallbacks> {
      const opened = await openTestCallbacks({ callbackHosts: receivers.map(({ url }) => url), ...options });
      open.push(opened);
      return opened;
    },
  };
}

/** @throws if the library refuses the signature. */
export function verified(
  tenant: { readonly secret: string },
  { body, headers }: Received,
): { type: string; data: { session: { id: string } } } {
  return new Webhook(tenant.secret).verify(body, headers as Record<string, string>) as ReturnType<typeof verified>;
}
