/**
 * What callers can do with sessions, whatever transport they use. Every refusal is a
 * `RefusedError`. Whether the caller may is checked before.
 */

import { noSuchSession } from '@qrcast/core/errors';
import type { createTicketSchema } from '@qrcast/core/requests';
import type { Policy } from '@qrcast/core/schedule';
import type { Session } from '@qrcast/core/session';
import type { Keyring } from '@qrcast/runtime/keyring/keyring';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { Known, Sessions } from '@qrcast/runtime/sessions/sessions';
import type { z } from 'zod';
import { DEFAULT_TICKET_SECONDS, type Tickets } from '../auth/tickets.ts';
import type { LimitOf } from '../limits/tenant-limits.ts';
import type { TenantStanding } from '../tenants/tenant-standing.ts';
import type { Tenant } from '../tenants/tenants.ts';
import { createEndedSessions, type Kept } from './ended-sessions.ts';
import { createInstanceOwner } from './instance-owner.ts';
import { type CreateRequest, createSessionCreation } from './session-creation.ts';
import type { SessionIndex } from './session-index.ts';
import { createSessionList, type SessionList } from './session-list.ts';
import type { SessionQuota } from './session-quota.ts';
import { createSessionResume, type SessionResume } from './session-resume.ts';
import { createSessionView, type SessionView } from './session-view.ts';
import type { ViewerCounts } from './visible-viewers.ts';
import type { Watching } from './watching.ts';

export interface IssuedTicket {
  readonly ticket: string;
  readonly ticketId: string;
  readonly ticketExpiresAt: number;
}

export type TicketRequest = z.output<typeof createTicketSchema>;

export interface SessionService extends SessionView {
  /** The tenant's live session of the instance, or a new one. @throws `tenant_limit_reached`. */
  create(tenant: Tenant, request: CreateRequest): Promise<{ session: Session; isNew: boolean; ticket: IssuedTicket }>;
  list: SessionList;
  issueTicket(session: Session, request: TicketRequest, tenant: Tenant): Promise<IssuedTicket>;
  /** Resolves to the session if this call ended it; null if it had ended before, or is gone. */
  cancel(sessionId: string, known?: Known): Promise<Session | null>;
  /** All sessions of a tenant that is deleted. */
  cancelAll(tenantId: string): Promise<void>;
  resume: SessionResume;
  /**
   * The session for a caller that was told version `told`: if Redis has lost that version, the
   * session goes on above it first. @throws `not_found` if it is gone meanwhile.
   */
  renumbered(session: Session, told: number): Promise<Session>;
}

export interface SessionServiceDeps {
  readonly sessions: Sessions;
  readonly index: SessionIndex;
  readonly watching: Watching;
  readonly viewerCounts: Pick<ViewerCounts, 'read'>;
  readonly tickets: Tickets;
  readonly standing: Pick<TenantStanding, 'require' | 'requireNow'>;
  readonly sessionQuota: SessionQuota;
  readonly limitOf: LimitOf;
  /** `DEFAULT_KEPT` if left out. */
  readonly kept?: Kept | undefined;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly policy: Policy;
  readonly upstreamHosts: readonly string[];
}

export function createSessionService(deps: SessionServiceDeps): SessionService {
  const { index, watching, tickets, clock } = deps;
  const current = (sessionId: string): Promise<Session | null> => watching.current(sessionId);
  const cancel: SessionService['cancel'] = (sessionId, known) => cancelSession(deps, sessionId, known);
  const issueTicket: SessionService['issueTicket'] = (session, request, tenant) => issue({ tickets, clock }, session, request, tenant);
  const instanceOwner = createInstanceOwner({ index, current, cancel });
  const endedSessions = createEndedSessions({ ...deps, current });
  const make = createSessionCreation({ ...deps, instanceOwner, endedSessions });

  return {
    ...createSessionView(deps),
    async create(tenant, request) {
      const made = await make(tenant, request);
      return { ...made, ticket: await issueTicket(made.session, {}, tenant) };
    },
    list: createSessionList({ ...deps, current }),
    issueTicket,
    cancel,
    cancelAll: (tenantId) => cancelAll(deps, tenantId),
    resume: createSessionResume({ ...deps, instanceOwner }),
    async renumbered(session, told) {
      if (told <= session.version) return session;
      const raised = await deps.sessions.renumber(session.id, told, deps.clock.now());
      if (raised === null) throw noSuchSession();
      return raised;
    },
  };
}

type CancelDeps = Pick<SessionServiceDeps, 'watching' | 'clock'>;

async function cancelSession({ watching, clock }: CancelDeps, sessionId: string, known?: Known): Promise<Session | null> {
  const change = await watching.change(sessionId, { kind: 'cancelled', at: clock.now() }, known);
  if (change === null || change.after === change.before) return null;
  const { state } = change.after;
  return state.kind === 'ended' && state.reason === 'cancelled' ? change.after : null; // else its time was up before
}

/** Those who are just being told of the end of a deleted tenant's session can read it this long. */
const LAST_READ_MS = 60_000;

async function cancelAll(deps: CancelDeps & Pick<SessionServiceDeps, 'sessions' | 'index'>, tenantId: string): Promise<void> {
  const { sessions, index, clock } = deps;
  for (;;) {
    const ids = await index.page(tenantId, null, 100);
    if (ids.length === 0) return;
    await Promise.all(ids.map((id) => cancelSession(deps, id)));
    await Promise.all(ids.flatMap((id) => [sessions.expire(id, clock.now() + LAST_READ_MS), index.forget({ tenantId, id })]));
  }
}

/**
 * A ticket ends with its session at the latest. Its time is told in whole seconds, as it stands in
 * the ticket.
 */
async function issue(
  { tickets, clock }: Pick<SessionServiceDeps, 'tickets' | 'clock'>,
  session: Session,
  request: TicketRequest,
  tenant: Tenant,
): Promise<IssuedTicket> {
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
