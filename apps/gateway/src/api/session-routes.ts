/**
 * `/v1/sessions…` and `/v1/tickets…`: the control API of tenants, and the calls of viewers with a
 * ticket.
 */

import { versionOfTags } from '@qrcast/core/known-version';
import { pathPrefixOf } from '@qrcast/core/public-url';
import { greatestVersion } from '@qrcast/core/renumber';
import {
  createSessionSchema,
  createTicketSchema,
  listSessionsSchema,
  parseRequest,
  passwordSchema,
  readSessionSchema,
} from '@qrcast/core/requests';
import { isFinal } from '@qrcast/core/session';
import type { Format, WireSession } from '@qrcast/core/wire';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Auth, mayView, type Principal, requireScope, requireSession, requireTenant } from '../auth/auth.ts';
import type { Revocations } from '../auth/ticket-revocations.ts';
import type { PasswordStep } from '../sessions/password-step.ts';
import { type SessionLookup, type SessionPath, sessionIdIn } from '../sessions/session-lookup.ts';
import type { SessionService } from '../sessions/session-service.ts';
import { showSession } from '../sessions/session-view.ts';
import type { StartOver } from '../sessions/start-over.ts';
import type { Watching } from '../sessions/watching.ts';
import { holdLongPoll, type LongPoll, type LongPollDeps } from '../streams/transports/long-poll.ts';

export interface SessionRoutesDeps extends LongPollDeps {
  readonly auth: Auth;
  readonly theirSession: SessionLookup;
  readonly service: SessionService;
  readonly sessions: Sessions;
  readonly watching: Watching;
  readonly clock: Clock;
  readonly revocations: Pick<Revocations, 'revoke'>;
  readonly passwordStep: PasswordStep;
  readonly startOver: StartOver;
  /** Where clients reach us, without a trailing slash. */
  readonly publicUrl: () => string;
}

export function addSessionRoutes(app: FastifyInstance, deps: SessionRoutesDeps): void {
  addTenantCalls(app, deps);
  addTicketCalls(app, deps);
  addRead(app, deps);
  addViewerCalls(app, deps);
}

/** Calls that need the API key. */
function addTenantCalls(app: FastifyInstance, deps: SessionRoutesDeps): void {
  const { service, sessions, publicUrl } = deps;
  const identify = identifyBy(deps);
  const show = showBy(deps);

  app.post('/v1/sessions', async (request, reply) => {
    const { tenant } = requireTenant(await identify(request));
    const { session, isNew, ticket } = await service.create(tenant, parseRequest(createSessionSchema, request.body));
    const body = { session: await show(session.id), ...ticket, pageUrl: `${publicUrl()}/connect#${ticket.ticket}` };
    return reply
      .status(isNew ? 201 : 200)
      .header('location', `${pathPrefixOf(publicUrl())}/v1/sessions/${session.id}`)
      .send(body);
  });

  app.get('/v1/sessions', async (request) => {
    const { tenantId } = requireTenant(await identify(request));
    return service.list(tenantId, parseRequest(listSessionsSchema, request.query));
  });

  app.delete<SessionPath>('/v1/sessions/:id', async (request, reply) => {
    const principal = await identify(request);
    const sessionId = sessionIdIn(principal, request.params.id);
    const session = requireSession(principal, sessionId, await sessions.find(sessionId));
    requireTenant(principal);
    await service.cancel(session.id, { remembered: session });
    return reply.status(204).send();
  });
}

/** Making a ticket and taking it back; these need the API key as well. */
function addTicketCalls(app: FastifyInstance, deps: SessionRoutesDeps): void {
  const { service, theirSession, revocations } = deps;
  const identify = identifyBy(deps);

  app.post<SessionPath>('/v1/sessions/:id/tickets', async (request, reply) => {
    const { principal, session } = await theirSession(request);
    const { tenant } = requireTenant(principal);
    return reply.status(201).send(await service.issueTicket(session, parseRequest(createTicketSchema, request.body ?? {}), tenant));
  });

  app.delete<{ Params: { ticketId: string } }>('/v1/tickets/:ticketId', async (request, reply: FastifyReply) => {
    const { tenantId } = requireTenant(await identify(request));
    await revocations.revoke(tenantId, request.params.ticketId);
    return reply.status(204).send();
  });
}

/** Reads the session, at once or when it has changed. */
function addRead(app: FastifyInstance, deps: SessionRoutesDeps): void {
  const { service, theirSession, watching, clock } = deps;
  const show = showBy(deps);

  app.get<SessionPath>('/v1/sessions/:id', async (request, reply) => {
    const found = await theirSession(request);
    const { principal } = found;
    requireScope(principal, 'view');
    const { wait, formats, visible } = parseRequest(readSessionSchema, request.query);
    const told = versionOfTags(request.headers['if-none-match'], greatestVersion(found.session, clock.now()));
    const session = typeof told === 'number' ? await service.renumbered(found.session, told) : found.session;
    // `*` means the current version. With `wait`, a final state would never count as newer, so the
    // client would ask for ever.
    const known = told !== 'any' ? told : wait > 0 && isFinal(session) ? null : session.version;
    const seen = visible ? await watching.start(session.id, { justRead: session }) : session;
    const hold = { principal, session, known, waitMs: wait * 1_000, isVisible: visible, reply };
    // Not awaited: this call ends before the hold, and does not keep the picture in `found` for it.
    return wait > 0
      ? heldAnswer(hold, formats)
      : answer(reply, known, await service.present(await service.illustrate(seen, found), formats));
  });

  async function heldAnswer(hold: LongPoll, formats: readonly Format[] | undefined): Promise<unknown> {
    await holdLongPoll(deps, hold);
    return answer(hold.reply, hold.known, await show(hold.session.id, formats));
  }
}

function answer(reply: FastifyReply, known: number | null, wire: WireSession): unknown {
  reply.header('etag', `"${wire.version}"`);
  return known !== null && wire.version <= known ? reply.status(304).send() : { session: wire };
}

/** Calls that a ticket may also make, within its scopes. */
function addViewerCalls(app: FastifyInstance, deps: SessionRoutesDeps): void {
  const { service, theirSession, passwordStep, startOver } = deps;
  const show = showBy(deps);
  /** Leaves out what only a viewer may see. */
  async function showTo(principal: Principal, sessionId: string): Promise<WireSession> {
    return mayView(principal) ? show(sessionId) : { ...(await show(sessionId, [])), code: null, account: null };
  }

  app.post<SessionPath>('/v1/sessions/:id/resume', async (request) => {
    const found = await theirSession(request);
    requireScope(found.principal, 'view');
    const resumed = await service.resume(found.session.id, { justRead: found.session });
    return { session: await service.present(await service.illustrate(resumed, found)) };
  });

  app.post<SessionPath>('/v1/sessions/:id/password', async (request) => {
    const { principal, session } = await theirSession(request);
    requireScope(principal, 'password');
    const { password } = parseRequest(passwordSchema, request.body);
    await passwordStep.submit(session, password);
    return { session: await showTo(principal, session.id) };
  });

  app.post<SessionPath>('/v1/sessions/:id/start-over', async (request) => {
    const { principal, session } = await theirSession(request);
    requireScope(principal, 'password');
    await startOver.begin(session, mayView(principal));
    return { session: await showTo(principal, session.id) };
  });
}

const identifyBy =
  ({ auth }: Pick<SessionRoutesDeps, 'auth'>) =>
  (request: FastifyRequest): Promise<Principal> =>
    auth.identify(request.headers.authorization, request.headers.origin);

const showBy =
  (deps: Pick<SessionRoutesDeps, 'sessions' | 'service'>) =>
  (sessionId: string, formats?: readonly Format[]): Promise<WireSession> =>
    showSession(deps, sessionId, formats);
