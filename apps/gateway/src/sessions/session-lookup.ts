/** Whose session a path names: looked up the same way by every route below `/v1/sessions/:id`. */

import type { Session } from '@qrcast/core/session';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import type { FastifyRequest } from 'fastify';
import { type Auth, type Principal, requireSession } from '../auth/auth.ts';
import type { SessionService } from './session-service.ts';

export interface SessionPath {
  Params: { id: string };
}

export interface SessionLookupDeps {
  readonly auth: Auth;
  readonly sessions: Pick<Sessions, 'find'>;
  readonly service: Pick<SessionService, 'find'>;
}

/**
 * The session the caller names, as it is now, if it is theirs; a foreign one is told apart from no session by nothing.
 * @throws {RefusedError} `unauthenticated`, `origin_not_allowed`, `not_found`, `session_expired`.
 */
export type SessionLookup = (request: FastifyRequest<SessionPath>) => Promise<{ principal: Principal; session: Session }>;

/** A ticket's holder need not know the id in it. */
const SELF = 'self';

export function createSessionLookup({ auth, sessions, service }: SessionLookupDeps): SessionLookup {
  return async ({ headers, params }) => {
    const principal = await auth.identify(headers.authorization, headers.origin);
    const sessionId = sessionIdIn(principal, params.id);
    requireSession(principal, sessionId, await sessions.find(sessionId));
    return { principal, session: await service.find(sessionId) };
  };
}

/** The session a path's id names for this caller. */
export function sessionIdIn(principal: Principal, id: string): string {
  return id === SELF && principal.kind === 'viewer' ? principal.ticket.sessionId : id;
}
