/**
 * Server-Sent Events on `GET /v1/sessions/{id}/events`: one session per response, for any client
 * that can read HTTP. A refusal comes before the stream, as problem+json. The reason of a later end
 * is the last event, `closing`.
 */

import { versionOfLastEvent, withOneLastEventId } from '@qrcast/core/known-version';
import { greatestVersion } from '@qrcast/core/renumber';
import { eventsSchema, parseRequest } from '@qrcast/core/requests';
import { isFinal } from '@qrcast/core/session';
import type { Logger } from '@qrcast/runtime/log';
import type { Counter, Meters } from '@qrcast/runtime/metrics/meters';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { requireScope } from '../../auth/auth.ts';
import { requireConnection } from '../../http/http-server.ts';
import { refusalOf } from '../../http/refusals.ts';
import type { SessionLookup, SessionPath } from '../../sessions/session-lookup.ts';
import type { SessionService } from '../../sessions/session-service.ts';
import { closeReasonFor } from '../admit-viewer.ts';
import type { ConnectionSlots } from '../connection-slots.ts';
import type { Sink, ViewerMessage } from '../delivery.ts';
import { encodeOnce } from '../encode-once.ts';
import { eventText, openEventStream } from '../event-stream.ts';
import type { Hub } from '../hub.ts';
import { joinBytes } from '../session-message.ts';
import type { ClosedBy, StreamMeters } from '../stream-meters.ts';
import type { WatchPermits } from '../watch-permits.ts';

export interface EventsDeps {
  readonly theirSession: SessionLookup;
  readonly service: Pick<SessionService, 'renumbered'>;
  readonly hub: Hub;
  readonly permits: WatchPermits;
  readonly slots: ConnectionSlots;
  readonly clock: Clock;
  readonly streamMeters: StreamMeters;
  readonly meters: Meters;
  readonly log: Logger;
}

const eventOf = encodeOnce((message: ViewerMessage) =>
  message.kind === 'session'
    ? joinBytes([`event: session\nid: ${message.version}\ndata: `, ...message.json(), '\n\n'])
    : Buffer.from(eventText('fresh', message.fresh, `id: ${message.fresh.version}\n`)),
);

export function addEventsRoute(app: FastifyInstance, deps: EventsDeps): void {
  const { theirSession, service, hub, permits, slots, clock, streamMeters } = deps;
  app.get<SessionPath>('/v1/sessions/:id/events', { exposeHeadRoute: false }, async (request, reply) => {
    const { principal, session: found } = await theirSession(request);
    requireScope(principal, 'view');
    const query = withOneLastEventId(request.query as Readonly<Record<string, unknown>>); // as the router has parsed it
    const { formats, visible, lastEventId } = parseRequest(eventsSchema, query);
    const after = versionOfLastEvent(request.headers['last-event-id'], lastEventId, greatestVersion(found, clock.now()));
    const session = await service.renumbered(found, after);
    // Nothing more will come. A stock client that is answered 204 does not reconnect.
    if (isFinal(session) && after >= session.version) return reply.status(204).send();
    if (reply.raw.destroyed) return reply.hijack(); // the caller has gone
    requireConnection(reply);
    const permit = await permits.take(principal, session.id);
    reply.raw.once('close', () => permit.release());
    if (reply.raw.destroyed) {
      permit.release();
      return reply.hijack(); // the caller has gone meanwhile
    }

    reply.raw.once(
      'close',
      slots.take('sse', (retryAfterMs) => stream.drain(retryAfterMs)),
    );
    const stream = openViewerStream(reply, streamMeters.bytes.sse, (by) => {
      streamMeters.closed('sse', by);
      close();
      permit.release();
    });
    const { first, close } = hub.subscribe({
      sessionId: session.id,
      by: principal,
      sink: stream,
      isVisible: visible,
      after,
      ...(formats === undefined ? {} : { formats }),
    });
    permit.hold(stream.close);
    first.then(
      (session) => session === null && stream.close('not_found'),
      (error: unknown) => stream.close(closeReasonFor(refusalOf(error, deps, request.routeOptions.url)) ?? 'unavailable'),
    );
    return reply;
  });
}

interface ViewerStream extends Sink {
  drain(retryAfterMs: number): void;
}

/**
 * Begins the answer. `onOver` is called once, when the stream was closed or the caller has gone.
 */
function openViewerStream(reply: FastifyReply, bytes: Counter, onOver: (by: ClosedBy) => void): ViewerStream {
  const stream = openEventStream(reply, onOver);
  return {
    transport: 'sse',
    send(message, sent) {
      const text = eventOf(message);
      bytes.add(text.length);
      stream.write(text, sent);
    },
    hasRoom: () => false, // the kernel takes a message at once, and keeps megabytes
    askedAt: () => 0,
    close: stream.close,
    drain: stream.drain,
  };
}
