/**
 * Asks the provider whether a tenant's connected instances are still linked, for tenants that want
 * it (`checkConnectedEvery`). After a login these are the only requests while nobody watches.
 *
 * A call checks a few instances of one tenant at once. A tenant takes at most half of the worker's
 * free check slots, so others find some. And the number of checks under way has a limit, however
 * many are due.
 */

import { type ConnectedInstance, isPeriodOver } from '@qrcast/core/connected-instance';
import type { Outcome } from '@qrcast/core/outcome';
import { isPolled, isTerminal, type Session } from '@qrcast/core/session';
import { isAllowedUpstream } from '@qrcast/core/upstream';
import type { Provider } from '@qrcast/provider/provider';
import type { CheckClaim, CheckQueue } from '@qrcast/runtime/connected/check-queue';
import type { ConnectedInstances } from '@qrcast/runtime/connected/connected';
import type { ConnectedSettings, FindConnectedSettings } from '@qrcast/runtime/connected/connected-settings';
import { errorFields, type Logger } from '@qrcast/runtime/log';
import type { InstanceHolds } from '@qrcast/runtime/polling/instance-hold';
import type { Clock } from '@qrcast/runtime/redis/clock';
import { tenantInstanceKey } from '@qrcast/runtime/redis/keys';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import type { HostSlots } from './polls/host-slots.ts';

export interface ConnectedChecksDeps {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly settingsOf: FindConnectedSettings;
  readonly connected: ConnectedInstances;
  readonly checkQueue: CheckQueue;
  readonly holds: Pick<InstanceHolds, 'take'>;
  readonly sessions: Pick<Sessions, 'find'>;
  readonly provider: Pick<Provider, 'poll'>;
  readonly hostSlots: HostSlots;
  readonly upstreamHosts: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
  /** How long a minute of `checkConnectedEvery` lasts, ms. Tests use a shorter one. */
  readonly minuteMs?: number | undefined;
}

/** Checks under way in this worker: of all tenants, and of one tenant. */
const CHECKS_AT_ONCE = 20;
const TENANT_AT_ONCE = 10;
/** Before the next try if other tenants have all slots. */
const NO_SLOT_AGAIN_MS = 1_000;
/** Before a suspended tenant is looked at again. */
const PAUSED_AGAIN_MS = 60_000;
/** A tenant's setting is read at least this often, in case its change was missed. */
const LONGEST_WAIT_MS = 600_000;
const MINUTE_MS = 60_000;

/**
 * Checks what is due of a tenant. Resolves to in how many ms to call again, or null if there is
 * nothing to check.
 */
export type ConnectedChecks = (tenantId: string) => Promise<number | null>;

interface Checked extends ConnectedSettings {
  readonly everyMs: number;
}

export function createConnectedChecks(deps: ConnectedChecksDeps): ConnectedChecks {
  const { settingsOf, connected, checkQueue, minuteMs = MINUTE_MS } = deps;
  let underWay = 0;

  async function checkDue(tenantId: string, settings: Checked): Promise<number | null> {
    await checkQueue.plan(tenantId, settings.everyMs);
    const atOnce = Math.min(TENANT_AT_ONCE, Math.ceil((CHECKS_AT_ONCE - underWay) / 2));
    if (atOnce <= 0) return NO_SLOT_AGAIN_MS;
    underWay += atOnce;
    try {
      const claims = await checkQueue.claim(tenantId, atOnce);
      await Promise.all(claims.map((claim) => tryCheck(deps, tenantId, claim, settings)));
    } finally {
      underWay -= atOnce;
    }
    const nextIn = await checkQueue.nextIn(tenantId);
    return nextIn === null ? null : Math.min(nextIn, LONGEST_WAIT_MS);
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
    return checkDue(tenantId, { ...settings, everyMs: settings.checkEveryMinutes * minuteMs });
  };
}

async function tryCheck(deps: ConnectedChecksDeps, tenantId: string, claim: CheckClaim, settings: Checked): Promise<void> {
  try {
    await check(deps, tenantId, claim, settings);
  } catch (error) {
    const { instanceId } = claim;
    deps.log.warn({ tenantId, instanceId, ...errorFields(error) }, 'a connected instance could not be checked; it will be tried again');
  }
}

async function check(deps: ConnectedChecksDeps, tenantId: string, claim: CheckClaim, settings: Checked): Promise<void> {
  const { connected, checkQueue, clock } = deps;
  const { instanceId } = claim;
  const record = await connected.find(tenantId, instanceId);
  if (record === 'unreadable') return checkQueue.settle(tenantId, claim, { everyMs: settings.everyMs, notBefore: 0 });
  if (record === null || isPeriodOver(record, settings.keepDays, clock.now())) {
    await connected.forget(tenantId, instanceId, 'period_over');
    return;
  }
  const notBefore = (await hasLiveSession(deps, tenantId, instanceId)) ? 0 : await askAlone(deps, record, settings);
  await checkQueue.settle(tenantId, claim, { everyMs: settings.everyMs, notBefore });
}

/**
 * Whether a session of the tenant uses the instance. That session asks the provider itself, and may
 * log the account out.
 */
async function hasLiveSession(
  { redis, namespace, sessions, clock }: ConnectedChecksDeps,
  tenantId: string,
  instanceId: string,
): Promise<boolean> {
  const sessionId = await redis.get(tenantInstanceKey(namespace, tenantId, instanceId));
  const session = sessionId === null ? null : await sessions.find(sessionId);
  return session !== null && isLive(session, clock.now());
}

function isLive(session: Session, now: number): boolean {
  if (isTerminal(session) || now >= session.expiresAt) return false;
  return !isPolled(session) || now < session.deadlineAt;
}

/**
 * Asks the provider while no poll of the instance can begin. Resolves to when the instance may be
 * asked again, Unix ms; 0 for at any time.
 */
async function askAlone(deps: ConnectedChecksDeps, record: ConnectedInstance, settings: ConnectedSettings): Promise<number> {
  const { connected, holds, clock, log } = deps;
  const hold = await holds.take(record.instanceKey);
  if (hold.kind === 'busy') return clock.now() + hold.freeInMs;
  let retryAfterMs = 0;
  try {
    const outcome = await ask(deps, record, settings);
    if (outcome?.kind === 'trouble') retryAfterMs = outcome.retryAfterMs ?? 0;
    const verdict = outcome === null ? null : await connected.checked(record, outcome, hold.startedAt);
    const { tenantId, instanceId } = record;
    log.debug({ tenantId, instanceId, outcome: outcome?.kind, verdict }, 'checked a connected instance');
  } finally {
    await hold.release(retryAfterMs);
  }
  return retryAfterMs === 0 ? 0 : clock.now() + retryAfterMs;
}

async function ask(
  { connected, provider, hostSlots, upstreamHosts }: ConnectedChecksDeps,
  { tenantId, instanceId }: ConnectedInstance,
  settings: ConnectedSettings,
): Promise<Outcome | null> {
  const secret = await connected.credentials(tenantId, instanceId);
  if (secret === null) return null; // deleted meanwhile
  // A host may have been taken off a list long after the login.
  const lists = [upstreamHosts, ...(settings.upstreamHosts === null ? [] : [settings.upstreamHosts])];
  if (!lists.every((hosts) => isAllowedUpstream(secret.apiUrl, hosts))) return { kind: 'trouble', code: 'provider_refused' };
  return hostSlots.run(secret.apiUrl, tenantId, () => provider.poll({ instanceId, ...secret }, 'state'));
}
