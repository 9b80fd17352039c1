/** What callers can do with sessions, whatever transport they use. Every refusal is a `RefusedError`; who may call is checked before. */

import { noSuchSession, RefusedError } from '@qrcast/core/errors';
import type { createSessionSchema, createTicketSchema } from '@qrcast/core/requests';
import type { Policy } from '@qrcast/core/schedule';
import { createSession, isResumable, RESUMABLE_ENDS, type Session } from '@qrcast/core/session';
import { ALL_FORMATS, type Format, toWire, type WireSession } from '@qrcast/core/wire';
import { instanceKeyOf, sealCredentials } from '@qrcast/runtime/keyring/credentials-vault';
import type { Keyring } from '@qrcast/runtime/keyring/keyring';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { Snapshot } from '@qrcast/runtime/sessions/session-codec';
import type { Known, Sessions } from '@qrcast/runtime/sessions/sessions';
import type { z } from 'zod';
import { DEFAULT_TICKET_SECONDS, type Tickets } from '../auth/tickets.ts';
import type { LimitOf } from '../limits/tenant-limits.ts';
import { newId } from '../tenants/secrets.ts';
import type { TenantStanding } from '../tenants/tenant-standing.ts';
import type { Tenant } from '../tenants/tenants.ts';
import { createKeptSessions, type Kept } from './ended-sessions.ts';
import { createInstancePlace } from './instance-owner.ts';
import type { SessionIndex } from './session-index.ts';
import { createSessionList, type SessionList } from './session-list.ts';
import type { LiveSessions } from './session-quota.ts';
import { upstreamOf } from './upstream-choice.ts';
import type { ViewerCounts } from './visible-viewers.ts';
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
  /** A snapshot that was read a moment ago, null if there was none, as it is now. @throws `not_found`, `session_expired`. */
  refresh(read: Snapshot | null): Promise<Snapshot>;
  /**
   * `session`, which may be newer than the snapshot that was read before, with its picture. Reads again only if it shows a code that
   * `read` has no picture of. @throws `not_found`.
   */
  illustrate(session: Session | null, read: Snapshot): Promise<Snapshot>;
  list: SessionList;
  issueTicket(session: Session, request: z.output<typeof createTicketSchema>, tenant: Tenant): Promise<IssuedTicket>;
  /** Resolves to the session if it was this call that ended it; null if it had ended before, or is gone. */
  cancel(sessionId: string, known?: Known): Promise<Session | null>;
  /** All of a tenant's. */
  cancelAll(tenantId: string): Promise<void>;
  /** @throws `not_resumable`, `tenant_limit_reached`. */
  resume(sessionId: string, known?: Known): Promise<Session>;
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
  readonly limitOf: LimitOf;
  /** `DEFAULT_KEPT` if left out. */
  readonly kept?: Kept | undefined;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly policy: Policy;
  readonly upstreamHosts: readonly string[];
}

/** The session with its picture as callers see it. @throws {RefusedError} `not_found`. */
export async function showSession(
  deps: { readonly sessions: Pick<Sessions, 'read'>; readonly service: Pick<SessionService, 'present'> },
  sessionId: string,
  formats?: readonly Format[],
): Promise<WireSession> {
  const snapshot = await deps.sessions.read(sessionId);
  if (snapshot === null) throw noSuchSession();
  return deps.service.present(snapshot, formats);
}

/** Null if the session shows a code that `read` has no picture of. */
function withPicture(session: Session, read: Snapshot): Snapshot | null {
  const digest = digestOf(session);
  if (digest === null) return { session, image: null };
  return digest === digestOf(read.session) ? { session, image: read.image } : null;
}

const digestOf = ({ state }: Session): string | null => (state.kind === 'showing' ? state.code.digest : null);

const DEFAULT_SESSION_SECONDS = 3_600;
/** A deleted tenant's sessions can be read so long by those who are just being told of their end. */
const LAST_READ_MS = 60_000;

export function createSessionService(deps: SessionServiceDeps): SessionService {
  const { sessions, index, watching, viewerCounts, tickets, standing, liveSessions, keyring, clock, policy, upstreamHosts } = deps;

  async function cancel(sessionId: string, known?: Known): Promise<Session | null> {
    const change = await watching.change(sessionId, { kind: 'cancelled', at: clock.now() }, known);
    if (change === null || change.after === change.before) return null;
    const { state } = change.after;
    return state.kind === 'ended' && state.reason === 'cancelled' ? change.after : null; // or its time was up before
  }

  const current = (sessionId: string): Promise<Session | null> => watching.current(sessionId);

  const instancePlace = createInstancePlace({ index, current, cancel });
  const keptSessions = createKeptSessions({ ...deps, current });

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

  /** Stores it and puts it in its place; resolves to the session that stands there. @throws {RefusedError} */
  async function begin(tenant: Tenant, fresh: Session, sealed: string): Promise<Session> {
    await sessions.create(fresh, sealed);
    const session = await instancePlace.take(fresh, true);
    if (session.id !== fresh.id) return session;
    const count = await index.add(fresh);
    await standing.requireNow(tenant.id); // suspended or deleted meanwhile, nobody else would end it
    await liveSessions.keep(tenant, fresh);
    await keptSessions.trim(tenant, count).catch(() => undefined); // the next one that is made tries again
    return session;
  }

  /** Nobody knows of it, so nobody is told. What cannot be done, time does. */
  async function abandon(fresh: Session, giveUp: () => Promise<void>): Promise<void> {
    await Promise.allSettled([sessions.expire(fresh.id, 0), index.forget(fresh), giveUp()]);
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

  /** @throws {RefusedError} `not_found`, `session_expired`. */
  function requireUnexpired(session: Session | null): Session {
    if (session === null) throw noSuchSession();
    if (clock.now() >= session.expiresAt) throw new RefusedError('session_expired', 'the session has expired; create a new one');
    return session;
  }

  async function illustrate(session: Session | null, read: Snapshot | null): Promise<Snapshot> {
    const snapshot = session !== null && read !== null ? withPicture(session, read) : null;
    const found = snapshot ?? (session === null ? null : await sessions.read(session.id));
    if (found === null) throw noSuchSession();
    return found;
  }

  /** It has a place among the live ones. @throws {RefusedError} `not_resumable`, `not_found`. */
  async function goOn(session: Session): Promise<Session> {
    if ((await instancePlace.take(session, false)).id !== session.id)
      throw new RefusedError('not_resumable', 'the instance has a newer live session; use that one');
    const resumed = await sessions.apply(session.id, { kind: 'resumed', at: clock.now() }, { remembered: session });
    if (resumed === null) throw noSuchSession();
    await liveSessions.restore(resumed); // somebody who had read its end may have taken it out meanwhile
    const watched = await watching.start(session.id, { justRead: resumed });
    if (watched === null) throw noSuchSession();
    return watched;
  }

  return {
    async create(tenant, request) {
      const secret = { apiUrl: upstreamOf(tenant, request, upstreamHosts), apiToken: request.apiToken };
      const instanceKey = instanceKeyOf(request.instanceId, secret);
      const live = await instancePlace.live(tenant.id, request.instanceId);
      if (live?.instanceKey === instanceKey) return { session: live, isNew: false, ticket: await issueTicket(live, {}, tenant) };
      const fresh = draft(tenant, request, instanceKey);
      const giveUp = await liveSessions.claim(tenant, fresh.id, live);
      let session: Session | null = null;
      try {
        session = await begin(tenant, fresh, sealCredentials(keyring, fresh.id, secret));
      } finally {
        if (session?.id !== fresh.id) await abandon(fresh, giveUp);
      }
      return { session, isNew: session.id === fresh.id, ticket: await issueTicket(session, {}, tenant) };
    },

    find: async (sessionId) => requireUnexpired(await current(sessionId)),

    async refresh(read) {
      const session = read && (await watching.current(read.session.id, { justRead: read.session }));
      return illustrate(requireUnexpired(session), read);
    },

    illustrate,

    list: createSessionList({ index, viewerCounts, current, clock }),

    issueTicket,

    cancel,

    async cancelAll(tenantId) {
      for (;;) {
        const ids = await index.page(tenantId, null, 100);
        if (ids.length === 0) return;
        await Promise.all(ids.map((id) => cancel(id)));
        await Promise.all(ids.flatMap((id) => [sessions.expire(id, clock.now() + LAST_READ_MS), index.forget({ tenantId, id })]));
      }
    },

    async resume(sessionId, known) {
      const session = await watching.current(sessionId, known);
      if (session === null || !isResumable(session)) {
        throw new RefusedError(
          'not_resumable',
          `only a session that ended with ${[...RESUMABLE_ENDS].join(', ')} can be resumed; this one is ${session?.state.kind ?? 'gone'}`,
        );
      }
      await liveSessions.keep(await standing.require(session.tenantId), session);
      try {
        return await goOn(session);
      } catch (error) {
        liveSessions.leave(session);
        throw error;
      }
    },

    async present({ session, image }, formats = ALL_FORMATS) {
      return toWire(session, { image, viewers: await viewerCounts.read(session.id), now: clock.now(), formats });
    },
  };
}
