/** What callers can do with sessions, whatever transport they use. Every refusal is a `RefusedError`; who may call is checked before. */

import { RefusedError } from '@qrcast/core/errors';
import type { createSessionSchema, createTicketSchema, listSessionsSchema } from '@qrcast/core/requests';
import type { Policy } from '@qrcast/core/schedule';
import { createSession, isResumable, isTerminal, nextElapseAt, type Session } from '@qrcast/core/session';
import { defaultApiUrl, isAllowedUpstream, parseApiUrl, parsePastedUrl } from '@qrcast/core/upstream';
import { ALL_FORMATS, type Format, toWire, type WireSession } from '@qrcast/core/wire';
import type { Clock } from '@qrcast/runtime/clock';
import { instanceKeyOf, type ProviderSecret, sealCredentials } from '@qrcast/runtime/credentials-vault';
import type { Keyring } from '@qrcast/runtime/keyring';
import type { Snapshot } from '@qrcast/runtime/session-codec';
import type { Sessions } from '@qrcast/runtime/sessions';
import type { z } from 'zod';
import type { LiveSessions } from './live-sessions.ts';
import { newId } from './secrets.ts';
import type { SessionIndex } from './session-index.ts';
import type { TenantStanding } from './tenant-standing.ts';
import type { Tenant } from './tenants.ts';
import { DEFAULT_TICKET_SECONDS, type Tickets } from './tickets.ts';
import type { ViewerCounts } from './viewer-counts.ts';
import type { Watching } from './watching.ts';

export interface IssuedTicket {
  readonly ticket: string;
  readonly ticketId: string;
  readonly ticketExpiresAt: number;
}

export interface SessionService {
  /** The tenant's live session of the instance, or a new one. @throws `tenant_limit_reached`. */
  create(
    tenant: Tenant,
    request: z.output<typeof createSessionSchema>,
  ): Promise<{ session: Session; isNew: boolean; ticket: IssuedTicket }>;
  /** The session as it is now. @throws `not_found`, `session_expired`. */
  find(sessionId: string): Promise<Session>;
  list(
    tenantId: string,
    request: z.output<typeof listSessionsSchema>,
  ): Promise<{ sessions: readonly WireSession[]; nextCursor: string | null }>;
  issueTicket(session: Session, request: z.output<typeof createTicketSchema>, tenant: Tenant): Promise<IssuedTicket>;
  cancel(sessionId: string): Promise<void>;
  /** All of a tenant's. */
  cancelAll(tenantId: string): Promise<void>;
  /** @throws `not_resumable`, `tenant_limit_reached`. */
  resume(sessionId: string): Promise<Session>;
  /** With its picture and the number of viewers, as callers see it. */
  present(snapshot: Snapshot, formats?: readonly Format[]): Promise<WireSession>;
}

export interface SessionServiceDeps {
  readonly sessions: Sessions;
  readonly index: SessionIndex;
  readonly watching: Watching;
  readonly viewerCounts: ViewerCounts;
  readonly tickets: Tickets;
  readonly standing: Pick<TenantStanding, 'require' | 'requireNow'>;
  readonly liveSessions: LiveSessions;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly policy: Policy;
  readonly upstreamHosts: readonly string[];
}

const DEFAULT_SESSION_SECONDS = 3_600;
/** Records looked at for one page of a filtered list; the cursor goes on from there. */
const MAX_SCANNED = 1_000;
/** Tries against other requests for the same instance. */
const MAX_CLAIMS = 10;

export function createSessionService(deps: SessionServiceDeps): SessionService {
  const { sessions, index, watching, viewerCounts, tickets, standing, liveSessions, keyring, clock, policy } = deps;

  const cancel = async (sessionId: string): Promise<void> => {
    await watching.apply(sessionId, { kind: 'cancelled', at: clock.now() });
  };

  async function current(sessionId: string): Promise<Session | null> {
    const session = await sessions.find(sessionId);
    if (session === null || clock.now() < nextElapseAt(session)) return session;
    return watching.apply(sessionId, { kind: 'elapsed', at: clock.now() });
  }

  function upstreamOf(tenant: Tenant, request: z.output<typeof createSessionSchema>): ProviderSecret {
    const apiUrl = request.apiUrl === undefined ? defaultApiUrl(request.instanceId) : parseApiUrl(request.apiUrl);
    const mayAsk = (url: string | null): url is string =>
      url !== null &&
      isAllowedUpstream(url, deps.upstreamHosts) &&
      (tenant.upstreamHosts === null || isAllowedUpstream(url, tenant.upstreamHosts));
    if (mayAsk(apiUrl)) return { apiUrl, apiToken: request.apiToken };
    if (mayAsk(parsePastedUrl(request.apiUrl ?? '')))
      throw new RefusedError('invalid_request', 'apiUrl: expected the provider host alone, like https://1101.api.green-api.com');
    throw new RefusedError(
      'upstream_not_allowed',
      'apiUrl: expected an address like https://1101.api.green-api.com, of a host on the allow-list; ask the operator to add yours (QRCAST_UPSTREAM_HOSTS)',
    );
  }

  function draft(tenant: Tenant, request: z.output<typeof createSessionSchema>, instanceKey: string): Session {
    const now = clock.now();
    const fields = {
      id: newId('ses'),
      tenantId: tenant.id,
      instanceId: request.instanceId,
      instanceKey,
      reference: request.reference ?? null,
      expectedPhone: request.expectedPhone ?? null,
      logoutOnMismatch: request.logoutOnMismatch ?? false,
      locale: request.locale ?? null,
      returnUrl: request.returnUrl ?? null,
      relink: request.relink ?? false,
      expiresAt: now + (request.expiresInSeconds ?? DEFAULT_SESSION_SECONDS) * 1000,
    };
    return createSession(fields, policy.attemptMs, now);
  }

  async function liveSession(tenantId: string, instanceId: string): Promise<Session | null> {
    const sessionId = await index.current(tenantId, instanceId);
    const session = sessionId === null ? null : await current(sessionId);
    return session === null || isTerminal(session) ? null : session;
  }

  /**
   * Puts the session into the instance's place, unless a live one stands there: then that one. `mayReplace`: a live one with other
   * credentials gives way, for a new request brings newer ones; a resumed session brings older ones.
   */
  async function takePlace(session: Session, mayReplace: boolean): Promise<Session> {
    let expected = await index.current(session.tenantId, session.instanceId);
    for (let attempt = 0; attempt < MAX_CLAIMS; attempt++) {
      const standing = expected === null ? null : await current(expected);
      if (standing !== null && !isTerminal(standing)) {
        if (!mayReplace || standing.instanceKey === session.instanceKey) return standing;
        // Other credentials for the same instance: the earlier ones were wrong or are no more.
        await watching.apply(standing.id, { kind: 'cancelled', at: clock.now() });
      }
      const winner = await index.claim(session, expected);
      if (winner === session.id) return session;
      expected = winner === '' ? null : winner;
    }
    throw new RefusedError('unavailable', 'too many requests for this instance at once; try again', { retryAfterMs: 1_000 });
  }

  /** Its tenant may have been suspended or deleted meanwhile, and then nobody else would end it. @throws {RefusedError} */
  async function addToIndex(session: Session): Promise<void> {
    await index.add(session);
    try {
      await standing.requireNow(session.tenantId);
    } catch (error) {
      await cancel(session.id);
      await index.forget(session.tenantId, session.id);
      throw error;
    }
  }

  /** Stores it and puts it in its place; resolves to the session that stands there. */
  async function begin(fresh: Session, sealed: string): Promise<Session> {
    await sessions.create(fresh, sealed);
    const session = await takePlace(fresh, true);
    // The record that lost is in no index; it ends, and expires by itself.
    if (session.id === fresh.id) await addToIndex(fresh);
    else await sessions.apply(fresh.id, { kind: 'cancelled', at: clock.now() });
    return session;
  }

  async function issueTicket(session: Session, request: z.output<typeof createTicketSchema>, tenant: Tenant): Promise<IssuedTicket> {
    const expiresAt = Math.min(clock.now() + (request.expiresInSeconds ?? DEFAULT_TICKET_SECONDS) * 1000, session.expiresAt);
    const issued = await tickets.issue({
      tenantId: session.tenantId,
      sessionId: session.id,
      scopes: request.scopes ?? ['view', 'password'],
      origins: request.origins ?? tenant.allowedOrigins,
      expiresAt,
    });
    return { ...issued, ticketExpiresAt: Math.floor(expiresAt / 1000) * 1000 };
  }

  return {
    async create(tenant, request) {
      const secret = upstreamOf(tenant, request);
      const instanceKey = instanceKeyOf(request.instanceId, secret);
      const live = await liveSession(tenant.id, request.instanceId);
      if (live?.instanceKey === instanceKey) return { session: live, isNew: false, ticket: await issueTicket(live, {}, tenant) };
      const fresh = draft(tenant, request, instanceKey);
      await liveSessions.claim(tenant, fresh.id, live?.id);
      try {
        const session = await begin(fresh, sealCredentials(keyring, fresh.id, secret));
        const isNew = session.id === fresh.id;
        if (isNew) await liveSessions.keep(tenant, fresh);
        return { session, isNew, ticket: await issueTicket(session, {}, tenant) };
      } catch (error) {
        liveSessions.leave(fresh);
        throw error;
      }
    },

    async find(sessionId) {
      const session = await current(sessionId);
      if (session === null) throw new RefusedError('not_found', 'there is no such session, or it is not yours');
      if (clock.now() >= session.expiresAt) throw new RefusedError('session_expired', 'the session has expired; create a new one');
      return session;
    },

    async list(tenantId, { state, reference, limit, cursor }) {
      const found: WireSession[] = [];
      let last = cursor ?? null;
      for (let scanned = 0; scanned < MAX_SCANNED; ) {
        const ids = await index.page(tenantId, last, Math.min(100, MAX_SCANNED - scanned));
        if (ids.length === 0) return { sessions: found, nextCursor: null };
        const page = await Promise.all(ids.map((id) => current(id)));
        for (const [i, session] of page.entries()) {
          const id = ids[i] ?? '';
          if (session === null) await index.forget(tenantId, id);
          else last = id;
          const fits =
            session !== null &&
            (state === undefined || session.state.kind === state) &&
            (reference === undefined || session.reference === reference);
          if (fits) found.push(toWire(session, { image: null, viewers: await viewerCounts.read(id), now: clock.now() }));
          if (found.length === limit) return { sessions: found, nextCursor: last };
        }
        scanned += ids.length;
      }
      return { sessions: found, nextCursor: last };
    },

    issueTicket,

    cancel,

    async cancelAll(tenantId) {
      for (;;) {
        const ids = await index.page(tenantId, null, 100);
        if (ids.length === 0) return;
        await Promise.all(ids.map(cancel));
        await Promise.all(ids.map((id) => index.forget(tenantId, id)));
      }
    },

    async resume(sessionId) {
      const session = await current(sessionId);
      if (session === null || !isResumable(session)) {
        throw new RefusedError(
          'not_resumable',
          `only a session that ended with "deadline" or "provider_down" can be resumed; this one is ${session?.state.kind ?? 'gone'}`,
        );
      }
      await liveSessions.keep(await standing.require(session.tenantId), session);
      if ((await takePlace(session, false)).id !== session.id) {
        liveSessions.leave(session);
        throw new RefusedError('not_resumable', 'the instance has a newer live session; use that one');
      }
      await sessions.apply(sessionId, { kind: 'resumed', at: clock.now() });
      const resumed = await watching.start(sessionId);
      if (resumed === null) throw new RefusedError('not_found', 'there is no such session, or it is not yours');
      return resumed;
    },

    async present({ session, image }, formats = ALL_FORMATS) {
      return toWire(session, { image, viewers: await viewerCounts.read(session.id), now: clock.now(), formats });
    },
  };
}
