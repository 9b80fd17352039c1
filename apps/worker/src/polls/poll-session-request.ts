/** The request to the provider that one poll makes, with the session's opened credentials. */

import { hostNews } from '@qrcast/core/host-weather';
import type { Outcome, PollMethod } from '@qrcast/core/outcome';
import type { Session } from '@qrcast/core/session';
import { isAllowedUpstream } from '@qrcast/core/upstream';
import type { Credentials } from '@qrcast/provider/credentials';
import { PROVIDER_DEFAULTS, type Provider } from '@qrcast/provider/provider';
import type { ConnectedInstances } from '@qrcast/runtime/connected/connected';
import { openCredentials } from '@qrcast/runtime/keyring/credentials-vault';
import type { Keyring } from '@qrcast/runtime/keyring/keyring';
import type { Logger } from '@qrcast/runtime/log';
import type { Claim, Lease } from '@qrcast/runtime/polling/poll-queue';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import { tracedWithin } from '@qrcast/runtime/tracing/tracing';
import { LRUCache } from 'lru-cache';
import type { HostRefusals } from './host-refusals.ts';
import type { HostSlots } from './host-slots.ts';
import type { HostSpeeds } from './host-speeds.ts';
import { hostOf, outcomeName, type PollMeters } from './poll-meters.ts';

export interface PollRequestDeps {
  readonly sessions: Pick<Sessions, 'apply' | 'readSealed'>;
  readonly provider: Provider;
  readonly hostSlots: HostSlots;
  readonly hostRefusals: HostRefusals;
  readonly hostSpeeds: Pick<HostSpeeds, 'stateOf'>;
  readonly connected: Pick<ConnectedInstances, 'duringLogout'>;
  readonly keyring: Keyring;
  readonly upstreamHosts: readonly string[];
  readonly clock: Clock;
  readonly pollMeters: PollMeters;
  readonly log: Logger;
}

export interface Reply {
  readonly outcome: Outcome;
  /** Of the provider. */
  readonly host: string;
  /** When the request was sent, Unix ms. Redis may have been slow since the claim. */
  readonly sentAt: number;
  /** Many instances of the same host that had worked are refused at this moment. */
  readonly isHostRefusing: boolean;
}

export interface PollRequest {
  /**
   * Resolves to the provider's answer. @throws {Error} if the session has no credentials any more,
   * or the lease ends too soon.
   */
  ask(session: Session, method: PollMethod, claim: Claim, lease: Lease): Promise<Reply>;
  /** Call it when the session is not polled any more: its credentials leave the memory. */
  forget(sessionId: string): void;
}

/**
 * A request unanswered for this long is told to the viewers. It goes on, because the provider may
 * hold it for a minute.
 */
const SLOW_MS = 8_000;
/**
 * Opened credentials of the sessions polled last, about 300 B each. Opening them at every poll
 * would cost more than the poll.
 */
const CACHED_CREDENTIALS = 50_000;

export function createPollRequest(deps: PollRequestDeps): PollRequest {
  const { provider, hostSlots, hostRefusals, connected, clock, pollMeters } = deps;
  const opened = new LRUCache<string, Credentials>({ max: CACHED_CREDENTIALS });

  async function credentialsOf(session: Session): Promise<Credentials> {
    const cached = opened.get(session.id);
    if (cached !== undefined) return cached;
    const credentials = await open(deps, session);
    opened.set(session.id, credentials);
    return credentials;
  }

  return {
    async ask(session, method, claim, lease) {
      const credentials = await credentialsOf(session);
      const { apiUrl } = credentials;
      const host = hostOf(apiUrl);
      await tellOfHost(deps, session, host);
      const sentAt = Math.max(claim.startedAt, clock.now());
      if (!isAllowed(deps, session, credentials)) {
        return { outcome: { kind: 'trouble', code: 'provider_refused' }, host, sentAt, isHostRefusing: false };
      }
      const timer = setTimeout(() => void tellSlow(deps, session.id, sentAt), SLOW_MS);
      const request = (): Promise<Outcome> => {
        lease.require();
        return tracedWithin('request', { 'qrcast.method': method, 'qrcast.host': host }, async (note) => {
          const outcome = await pollMeters.measure(apiUrl, method, () => provider.poll(credentials, method, lease.signal));
          note({ 'qrcast.outcome': outcomeName(outcome) });
          return outcome;
        });
      };
      try {
        const outcome = await hostSlots.run(apiUrl, session.tenantId, () =>
          method === 'logout' ? connected.duringLogout(session, request) : request(),
        );
        return { outcome, host, sentAt, isHostRefusing: session.isProven && hostRefusals.note(apiUrl, session.instanceKey, outcome) };
      } finally {
        clearTimeout(timer);
      }
    },
    forget: (sessionId) => void opened.delete(sessionId),
  };
}

async function open({ sessions, keyring }: PollRequestDeps, { id, instanceId }: Session): Promise<Credentials> {
  const sealed = await sessions.readSealed(id);
  if (sealed === null) throw new Error('the session has no credentials');
  return { instanceId, ...openCredentials(keyring, id, sealed) };
}

/**
 * The gateway has checked the host when the session was made. The operator may have taken it off
 * the list since, so it is checked again.
 */
function isAllowed({ upstreamHosts, log }: PollRequestDeps, session: Session, { apiUrl }: Credentials): boolean {
  if (isAllowedUpstream(apiUrl, upstreamHosts)) return true;
  log.warn({ sessionId: session.id, host: new URL(apiUrl).host }, 'this host is not in the QRCAST_UPSTREAM_HOSTS of this worker');
  return false;
}

/** A session that waits learns before its request that the host answers slowly, or does so no more. */
async function tellOfHost({ sessions, hostSpeeds, clock }: PollRequestDeps, session: Session, host: string): Promise<void> {
  const news = hostNews(session, hostSpeeds.stateOf(host));
  if (news !== null) await sessions.apply(session.id, { kind: news, at: clock.now() }).catch(() => undefined); // the next poll will tell
}

async function tellSlow({ sessions, clock }: PollRequestDeps, sessionId: string, startedAt: number): Promise<void> {
  const retryAt = startedAt + PROVIDER_DEFAULTS.qrTimeoutMs;
  await sessions.apply(sessionId, { kind: 'slow', at: clock.now(), startedAt, retryAt }).catch(() => undefined); // the answer will tell
}
