/**
 * The session that a path names. Every route below `/v1/sessions/:id` finds it here, and reads its
 * record once.
 */

import type { Snapshot } from '@qrcast/runtime/sessions/session-codec';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import type { FastifyRequest } from 'fastify';
import { type Auth, type Principal, requireSession } from '../auth/auth.ts';
import type { SessionService } from './session-service.ts';

export interface SessionPath {
  Params: { id: string };
}

export interface SessionLookupDeps {
  readonly auth: Auth;
  readonly sessions: Pick<Sessions, 'read'>;
  readonly service: Pick<SessionService, 'refresh'>;
}

/** Who asks, and the session as it is now, with its picture. */
export interface FoundSession extends Snapshot {
  readonly principal: Principal;
}

/**
 * Finds the session that the caller names, if it is theirs. The refusal does not tell a session of
 * somebody else from none.
 * @throws {RefusedError} `unauthenticated`, `origin_not_allowed`, `not_found`, `session_expired`.
 */
export type SessionLookup = (request: FastifyRequest<SessionPath>) => Promise<FoundSession>;

/** A ticket's holder need not know the id in it. */
const SELF = 'self';

export function createSessionLookup({ auth, sessions, service }: SessionLookupDeps): SessionLookup {
  return async ({ headers, params }) => {
    const principal = await auth.identify(headers.authorization, headers.origin);
    const sessionId = sessionIdIn(principal, params.id);
    const read = await sessions.read(sessionId);
    requireSession(principal, sessionId, read?.session ?? null);
    return { principal, ...(await service.refresh(read)) };
  };
}

/** The session a path's id names for this caller. */
export function sessionIdIn(principal: Principal, id: string): string {
  return id === SELF && principal.kind === 'viewer' ? principal.ticket.sessionId : id;
}
