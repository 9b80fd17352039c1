/** One poll of one session: ask the provider what the session wants to know next, and apply the answer. */

import type { Outcome, PollMethod } from '@qrcast/core/outcome';
import { isPolled, nextElapseAt, type Session } from '@qrcast/core/session';
import { isAllowedUpstream } from '@qrcast/core/upstream';
import type { Credentials } from '@qrcast/provider/credentials';
import { PROVIDER_DEFAULTS, type Provider } from '@qrcast/provider/provider';
import type { ConnectedInstances } from '@qrcast/runtime/connected/connected-instances';
import { openCredentials } from '@qrcast/runtime/keyring/credentials-vault';
import type { Keyring } from '@qrcast/runtime/keyring/keyring';
import type { Logger } from '@qrcast/runtime/log';
import { CLAIM_AHEAD_MS, type Claim, type PollHandlers, type PollQueue, type PollTarget } from '@qrcast/runtime/polling/poll-queue';
import { unattendedWatch } from '@qrcast/runtime/polling/unattended-watch';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import type { TenantActivity } from '@qrcast/runtime/tenants/tenant-activity';
import { LRUCache } from 'lru-cache';
import type { CodeReader } from '../codes/code-reader.ts';
import type { HostRefusals } from './host-refusals.ts';
import type { HostSlots } from './host-slots.ts';

export interface PollDeps {
  readonly sessions: Sessions;
  readonly provider: Provider;
  readonly hostSlots: HostSlots;
  readonly hostRefusals: HostRefusals;
  readonly tenants: TenantActivity;
  readonly codeReader: Pick<CodeReader, 'read'>;
  readonly queue: Pick<PollQueue, 'ensure' | 'renew'>;
  readonly connected: Pick<ConnectedInstances, 'duringLogout'>;
  readonly keyring: Keyring;
  readonly upstreamHosts: readonly string[];
  readonly clock: Clock;
  /** Called as each poll starts, with how long after its due time it was claimed, ms, and whose it is. */
  readonly onPoll?: ((lateMs: number, tenantId: string) => void) | undefined;
  readonly log: Logger;
}

interface Reply {
  readonly outcome: Outcome;
  readonly isHostRefusing: boolean;
}

/** A request unanswered for this long is told to the viewers; it goes on, for the provider may hold it for a minute. */
const SLOW_MS = 8_000;
/** Opened credentials of the sessions polled lately, about 300 B each: deciphering at every poll would cost more than the poll. */
const CACHED_CREDENTIALS = 50_000;

export function createPollHandlers(deps: PollDeps): PollHandlers {
  const { sessions, provider, hostSlots, hostRefusals, codeReader, queue, tenants, clock, log } = deps;
  const known = new LRUCache<string, Credentials>({ max: CACHED_CREDENTIALS });

  async function credentialsOf(session: Session): Promise<Credentials | null> {
    const cached = known.get(session.id);
    if (cached !== undefined) return cached;
    const sealed = await sessions.readSealed(session.id);
    if (sealed === null) return null;
    const { apiUrl, apiToken } = openCredentials(deps.keyring, session.id, sealed);
    const credentials = { instanceId: session.instanceId, apiToken, apiUrl };
    known.set(session.id, credentials);
    return credentials;
  }

  async function ask(session: Session, method: PollMethod, claim: Claim, signal: AbortSignal): Promise<Reply> {
    const credentials = await credentialsOf(session);
    if (credentials === null) throw new Error('the session has no credentials');
    // Checked where the token leaves, too: the operator may have taken a host off the list since the session was made.
    if (!isAllowedUpstream(credentials.apiUrl, deps.upstreamHosts)) {
      log.warn(
        { sessionId: session.id, host: new URL(credentials.apiUrl).host },
        'this host is not in the QRCAST_UPSTREAM_HOSTS of this worker',
      );
      return { outcome: { kind: 'trouble', code: 'provider_refused' }, isHostRefusing: false };
    }
    const timer = setTimeout(() => void tellSlow(session.id, claim.startedAt), SLOW_MS);
    const request = (): Promise<Outcome> => provider.poll(credentials, method, signal);
    try {
      const outcome = await hostSlots.run(credentials.apiUrl, session.tenantId, () =>
        method === 'logout' ? deps.connected.duringLogout(session, request) : request(),
      );
      return { outcome, isHostRefusing: session.isProven && hostRefusals.note(credentials.apiUrl, session.instanceKey, outcome) };
    } finally {
      clearTimeout(timer);
    }
  }

  async function tellSlow(sessionId: string, startedAt: number): Promise<void> {
    const retryAt = startedAt + PROVIDER_DEFAULTS.qrTimeoutMs;
    await sessions.apply(sessionId, { kind: 'slow', at: clock.now(), startedAt, retryAt }).catch(() => undefined); // the answer will tell
  }

  /** The session as it is now, if it is to be polled. */
  async function current(sessionId: string): Promise<Session | null> {
    const session = await sessions.find(sessionId);
    if (session === null || clock.now() < nextElapseAt(session)) return session;
    return sessions.apply(sessionId, { kind: 'elapsed', at: clock.now() }, session);
  }

  /** A tenant that may not be served is not asked for behind the back of its viewers either. */
  async function mayBePolled(session: Session): Promise<boolean> {
    if (!isPolled(session)) return false;
    if (!session.isUnwatched || (await tenants.isActive(session.tenantId))) return true;
    await sessions.apply(session.id, { kind: 'abandoned', at: clock.now() });
    return false;
  }

  async function keepInQueue(target: PollTarget, session: Session | null): Promise<void> {
    const unattended = session === null ? null : unattendedWatch(session);
    if (unattended !== null) await queue.ensure(target, unattended.watchedUntil, unattended.dueAt);
  }

  return {
    async poll(claim, signal) {
      const { sessionId } = claim.target;
      const before = await current(sessionId);
      if (before === null || !(await mayBePolled(before))) return { nextAt: null };
      deps.onPoll?.(claim.startedAt - claim.dueAt, before.tenantId);
      // A check that somebody asked for must not come before a logout or an account that the session itself waits for.
      const method = before.next.ask === 'qr' ? (claim.ask ?? 'qr') : before.next.ask;
      const { outcome: answer, isHostRefusing } = await ask(before, method, claim, signal);
      const at = clock.now(); // a code ages while it is read
      const outcome = answer.kind === 'code' ? { ...answer, text: await codeReader.read(answer) } : answer;
      const event = { kind: 'answered', at, startedAt: claim.startedAt, jitter: Math.random(), outcome, isHostRefusing } as const;
      const after = await sessions.apply(sessionId, event, before);
      const notBefore = notBeforeOf(outcome, at);
      log.debug({ sessionId, method, outcome: outcome.kind, lateMs: claim.startedAt - claim.dueAt }, 'polled');
      if (after === null || !isPolled(after)) {
        known.delete(sessionId);
        return { nextAt: null, notBefore };
      }
      await keepInQueue(claim.target, after);
      return { nextAt: Math.min(dueAt(after), after.deadlineAt), notBefore };
    },

    async unwatched(target) {
      const { sessionId } = target;
      known.delete(sessionId);
      const [left] = await queue.renew([target], 0);
      if (left === undefined) return; // somebody came back in between
      const kind = (await tenants.isActive(target.tenantId)) ? 'unwatched' : 'abandoned';
      await keepInQueue(target, await sessions.apply(sessionId, { kind, at: clock.now() }));
    },
  };
}

/** After trouble the provider must not be asked a moment early: it may have named the moment. */
function dueAt({ state, next }: Session): number {
  const isTroubled = 'notice' in state && state.notice !== null;
  return isTroubled ? next.at + CLAIM_AHEAD_MS : next.at;
}

/** The provider's Retry-After holds for the instance, whatever becomes of the session and whoever wishes to know. */
function notBeforeOf(outcome: Outcome, at: number): number | undefined {
  return outcome.kind === 'trouble' && outcome.retryAfterMs !== undefined ? at + outcome.retryAfterMs : undefined;
}
