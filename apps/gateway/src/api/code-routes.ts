/**
 * The code as a picture, for callers that draw nothing themselves: a backend, an e-mail, an app.
 * Asking for it counts as watching.
 */

import { RefusedError } from '@qrcast/core/errors';
import { type Code, isFinal } from '@qrcast/core/session';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { requireScope } from '../auth/auth.ts';
import type { SessionLookup, SessionPath } from '../sessions/session-lookup.ts';
import type { SessionService } from '../sessions/session-service.ts';
import type { Watching } from '../sessions/watching.ts';
import { drawCode, wrapPicture } from './code-svg.ts';

export interface CodeRoutesDeps {
  readonly theirSession: SessionLookup;
  readonly service: Pick<SessionService, 'illustrate'>;
  readonly watching: Watching;
  readonly clock: Clock;
}

interface ShownCode extends Code {
  /** A data URL; null if the picture was lost. */
  readonly image: string | null;
}

/**
 * An SVG that is opened by itself is a document. It may show its own picture and do nothing else.
 */
const SVG_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

export function addCodeRoutes(app: FastifyInstance, { theirSession, service, watching, clock }: CodeRoutesDeps): void {
  /** @throws {RefusedError} `no_code`, and what the look-up throws. */
  async function shownCode(request: FastifyRequest<SessionPath>): Promise<ShownCode> {
    const found = await theirSession(request);
    requireScope(found.principal, 'view');
    const watched = await watching.start(found.session.id, { justRead: found.session });
    if (watched === null) throw noCode('the session is gone', true);
    const { session, image } = await service.illustrate(watched, found);
    const { state } = session;
    if (state.kind !== 'showing' || clock.now() >= state.code.staleAt) throw noCode(`the session is ${state.kind}`, isFinal(session));
    return { ...state.code, image };
  }

  app.get<SessionPath>('/v1/sessions/:id/code.svg', async (request, reply) => {
    const code = await shownCode(request);
    reply.header('content-security-policy', SVG_POLICY);
    if (code.text !== null) return send(reply, code, 'image/svg+xml', drawCode(code.text));
    if (code.image !== null) return send(reply, code, 'image/svg+xml', wrapPicture(code.image));
    throw noCode('its picture was lost');
  });

  app.get<SessionPath>('/v1/sessions/:id/code.png', async (request, reply) => {
    const code = await shownCode(request);
    if (code.image === null) throw noCode('its picture was lost');
    return send(reply, code, 'image/png', Buffer.from(code.image.slice(code.image.indexOf(',') + 1), 'base64'));
  });
}

function send(reply: FastifyReply, { staleAt }: ShownCode, type: string, picture: string | Buffer): FastifyReply {
  return reply.type(type).header('x-code-stale-at', staleAt).send(picture);
}

function noCode(why: string, isOver = false): RefusedError {
  const advice = isOver ? 'and none will come any more' : 'so ask again a little later';
  return new RefusedError('no_code', `expected a session that shows a code, and not a stale one; ${why}, ${advice}`);
}
