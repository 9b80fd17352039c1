/**
 * Asks the provider whether the connected instances of a tenant are linked still, for tenants that want that (`checkConnectedEvery`). After a
 * login it is the one thing for which the provider is asked while nobody watches.
 *
 * A turn of a tenant checks a few instances at once. A tenant holds at most half of what is free in this worker, so that others find room;
 * and what one worker asks at once is bounded, however many instances are due.
 */

import { type ConnectedInstance, isPeriodOver } from '@qrcast/core/connected-instance';
import type { Outcome } from '@qrcast/core/outcome';
import { isPolled, isTerminal, type Session } from '@qrcast/core/session';
import { isAllowedUpstream } from '@qrcast/core/upstream';
import type { Provider } from '@qrcast/provider/provider';
import type { CheckClaim, CheckQueue } from '@qrcast/runtime/connected/check-queue';
import type { ConnectedInstances } from '@qrcast/runtime/connected/connected-instances';
import type { ConnectedSettings, FindConnectedSettings } from '@qrcast/runtime/connected/connected-settings';
import { errorFields, type Logger } from '@qrcast/runtime/log';
import type { InstanceHolds } from '@qrcast/runtime/polling/instance-hold';
import type { Clock } from '@qrcast/runtime/redis/clock';
import { tenantInstanceKey } from '@qrcast/runtime/redis/keys';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import type { Redis } from 'ioredis';
import type { HostGate } from './polls/host-gate.ts';

export interface ConnectedChecksDeps {
  readonly redis: Redis;
  readonly namespace: string;
  readonly settingsOf: FindConnectedSettings;
  readonly connected: ConnectedInstances;
  readonly checkQueue: CheckQueue;
  readonly holds: Pick<InstanceHolds, 'take'>;
  readonly sessions: Pick<Sessions, 'find'>;
  readonly provider: Pick<Provider, 'poll'>;
  readonly hostGate: HostGate;
  readonly upstreamHosts: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
  /** How long the minutes of `checkConnectedEvery` last, ms; shorter in tests. */
  readonly minuteMs?: number | undefined;
}

/** Requests under way for checks in this worker, of all tenants, and of one tenant. */
const CHECKS_AT_ONCE = 20;
const TENANT_AT_ONCE = 10;
/** Others hold all places. */
const NO_ROOM_AGAIN_MS = 1_000;
/** A suspended tenant is looked at again; and a tenant's setting is never read later than this, should its change be missed. */
const PAUSED_AGAIN_MS = 60_000;
const LONGEST_WAIT_MS = 600_000;
const MINUTE_MS = 60_000;

/** Checks what is due of a tenant. Resolves to in how many ms it is to be called again, null if there is nothing to check. */
export type ConnectedChecks = (tenantId: string) => Promise<number | null>;

export function createConnectedChecks(deps: ConnectedChecksDeps): ConnectedChecks {
  const { redis, namespace, settingsOf, connected, checkQueue, holds, sessions, provider, hostGate, clock, log } = deps;
  const { minuteMs = MINUTE_MS } = deps;
  let underWay = 0;

  /** Whether a session of the tenant deals with the instance: it asks the provider itself, and may log the account out. */
  async function hasLiveSession(tenantId: string, instanceId: string): Promise<boolean> {
    const sessionId = await redis.get(tenantInstanceKey(namespace, tenantId, instanceId));
    const session = sessionId === null ? null : await sessions.find(sessionId);
    return session !== null && isLive(session, clock.now());
  }

  /** A host may have been taken off a list long after the login. */
  const isAllowed = (apiUrl: string, { upstreamHosts }: ConnectedSettings): boolean =>
    [deps.upstreamHosts, ...(upstreamHosts === null ? [] : [upstreamHosts])].every((hosts) => isAllowedUpstream(apiUrl, hosts));

  async function ask({ tenantId, instanceId }: ConnectedInstance, settings: ConnectedSettings): Promise<Outcome | null> {
    const secret = await connected.credentials(tenantId, instanceId);
    if (secret === null) return null; // deleted meanwhile
    if (!isAllowed(secret.apiUrl, settings)) return { kind: 'trouble', code: 'provider_refused' };
    return hostGate.pass(secret.apiUrl, tenantId, () => provider.poll({ instanceId, ...secret }, 'state'));
  }

  /** Asks while no poll of the instance can begin. Resolves to when the instance may be asked again, Unix ms, 0 for any time. */
  async function askAlone(record: ConnectedInstance, settings: ConnectedSettings): Promise<number> {
    const hold = await holds.take(record.instanceKey);
    if (hold.kind === 'busy') return clock.now() + hold.freeInMs;
    let quietMs = 0;
    try {
      const outcome = await ask(record, settings);
      if (outcome?.kind === 'trouble') quietMs = outcome.retryAfterMs ?? 0;
      const verdict = outcome === null ? null : await connected.checked(record, outcome, hold.startedAt);
      const { tenantId, instanceId } = record;
      log.debug({ tenantId, instanceId, outcome: outcome?.kind, verdict }, 'checked a connected instance');
    } finally {
      await hold.release(quietMs);
    }
    return quietMs === 0 ? 0 : clock.now() + quietMs;
  }

  async function check(tenantId: string, claim: CheckClaim, settings: Checked): Promise<void> {
    const { instanceId } = claim;
    const record = await connected.find(tenantId, instanceId);
    if (record === null || isPeriodOver(record, settings.keepDays, clock.now())) {
      await connected.forget(tenantId, instanceId, 'period_over');
      return;
    }
    const notBefore = (await hasLiveSession(tenantId, instanceId)) ? 0 : await askAlone(record, settings);
    await checkQueue.settle(tenantId, claim, { everyMs: settings.everyMs, notBefore });
  }

  async function checkAll(tenantId: string, settings: Checked, atOnce: number): Promise<void> {
    const claims = await checkQueue.claim(tenantId, atOnce);
    await Promise.all(
      claims.map((claim) =>
        check(tenantId, claim, settings).catch((error: unknown) => {
          log.warn(
            { tenantId, instanceId: claim.instanceId, ...errorFields(error) },
            'a connected instance could not be checked; it comes again',
          );
        }),
      ),
    );
  }

  return async (tenantId) => {
    const settings = await settingsOf(tenantId);
    if (settings === null) {
      await connected.forgetTenant(tenantId);
      return null;
    }
    if (settings.checkEveryMinutes === null || settings.keepDays === 0) {
      await connected.dropCredentials(tenantId);
      return null;
    }
    await connected.cutPeriods(tenantId, settings.keepDays); // also while paused: no token outlives its period
    if (settings.isPaused) return PAUSED_AGAIN_MS;
    const checked = { ...settings, everyMs: settings.checkEveryMinutes * minuteMs };
    await checkQueue.plan(tenantId, checked.everyMs);
    const free = CHECKS_AT_ONCE - underWay;
    const atOnce = Math.min(TENANT_AT_ONCE, Math.ceil(free / 2));
    if (atOnce <= 0) return NO_ROOM_AGAIN_MS;
    underWay += atOnce;
    try {
      await checkAll(tenantId, checked, atOnce);
    } finally {
      underWay -= atOnce;
    }
    const nextIn = await checkQueue.nextIn(tenantId);
    return nextIn === null ? null : Math.min(nextIn, LONGEST_WAIT_MS);
  };
}

interface Checked extends ConnectedSettings {
  readonly everyMs: number;
}

function isLive(session: Session, now: number): boolean {
  if (isTerminal(session) || now >= session.expiresAt) return false;
  return !isPolled(session) || now < session.deadlineAt;
}
