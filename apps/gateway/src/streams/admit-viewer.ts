/** Decides who may watch, and how a connection ends whose subscription was refused. */

import { type CloseReason, closeReasonOf } from '@qrcast/core/close-codes';
import type { RefusedError } from '@qrcast/core/errors';
import { type Auth, requireScope, requireSession, type ViewerPrincipal } from '../auth/auth.ts';
import { TicketEndedError } from '../auth/tickets.ts';
import type { SessionService } from '../sessions/session-service.ts';

export interface AdmitViewerDeps {
  readonly auth: Auth;
  readonly service: SessionService;
}

/**
 * Returns the holder of the ticket, if the ticket has the scope `view` and its session exists.
 * @throws {RefusedError} as `identifyTicket`; `forbidden` without the scope, `not_found`.
 */
export async function admitViewer(
  { auth, service }: AdmitViewerDeps,
  ticket: string,
  origin: string | undefined,
): Promise<ViewerPrincipal> {
  const viewer = await auth.identifyTicket(ticket, origin);
  requireScope(viewer, 'view');
  const { sessionId } = viewer.ticket;
  requireSession(viewer, sessionId, await service.find(sessionId));
  return viewer;
}

/**
 * How a connection ends whose only subscription was refused; null if its client may send a better
 * request.
 */
export function closeReasonFor(refusal: RefusedError): CloseReason | null {
  return refusal instanceof TicketEndedError ? refusal.end : closeReasonOf(refusal.code);
}
