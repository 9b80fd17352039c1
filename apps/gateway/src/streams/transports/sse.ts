/**
 * Server-Sent Events on `GET /v1/sessions/{id}/events`: one session per response, for any client
 * that can read HTTP. A refusal comes before the stream, as problem+json. The reason of a later end
 * is the last event, `closing`.
 */

import type { OutgoingHttpHeaders } from 'node:http';
import { type CloseReason, toClosing } from '@qrcast/core/close-codes';
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
import type { Hub } from '../hub.ts';
import { joinBytes } from '../session-message.ts';
import type { ClosedBy, StreamMeters } from '../stream-meters.ts';
import { CLOSE_WITHIN_MS } from '../viewer-connection.ts';
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

/** Proxies cut connections that are silent for about half a minute. */
export const COMMENT_EVERY_MS = 15_000;
/**
 * A stock client reconnects after this, unless `draining` names another time. Spread, so that not
 * all return at once.
 */
const RETRY_FROM_MS = 1_000;
const RETRY_TO_MS = 3_000;

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform', // a proxy that compresses would hold events back until it has enough of them
  'x-accel-buffering': 'no', // nginx would buffer the events
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

const eventOf = encodeOnce((message: ViewerMessage) =>
  message.kind === 'session'
    ? joinBytes([`event: session\nid: ${message.version}\ndata: `, ...message.json(), '\n\n'])
    : Buffer.from(event('fresh', message.fresh, `id: ${message.fresh.version}\n`)),
);

function event(name: string, data: object, fields = ''): string {
  return `event: ${name}\n${fields}data: ${JSON.stringify(data)}\n\n`;
}

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
    const stream = openEventStream(reply, streamMeters.bytes.sse, (by) => {
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

interface EventStream extends Sink {
  drain(retryAfterMs: number): void;
}

/**
 * Begins the answer. `onOver` is called once, when the stream was closed or the caller has gone.
 */
function openEventStream(reply: FastifyReply, bytes: Counter, onOver: (by: ClosedBy) => void): EventStream {
  const response = reply.hijack().raw;
  const { socket } = response;
  let isOver = false;
  const headers = reply.getHeaders() as OutgoingHttpHeaders; // set by the hooks; typed more loosely
  response.writeHead(200, { ...headers, ...HEADERS });
  response.write(`retry: ${Math.round(RETRY_FROM_MS + Math.random() * (RETRY_TO_MS - RETRY_FROM_MS))}\n\n`);
  const comments = setInterval(() => response.write(':\n\n'), COMMENT_EVERY_MS);

  function end(by: ClosedBy): void {
    if (isOver) return;
    isOver = true;
    clearInterval(comments);
    onOver(by);
  }
  response.once('close', () => end('client'));
  response.on('error', () => undefined); // its close follows

  function close(reason: CloseReason, retryAfterMs?: number): void {
    if (isOver) return;
    end(reason);
    response.end(event('closing', toClosing(reason, retryAfterMs)), () => {
      // Kept alive, it would bring the next request to the gateway that is stopping.
      if (reason === 'draining') socket?.destroySoon();
    });
    const timer = setTimeout(() => response.destroy(), CLOSE_WITHIN_MS);
    response.once('close', () => clearTimeout(timer));
  }

  return {
    transport: 'sse',
    send(message, sent) {
      const text = eventOf(message);
      bytes.add(text.length);
      response.write(text, (error) => {
        if (!error) sent();
      });
    },
    hasRoom: () => false, // the kernel takes a message at once, and keeps megabytes
    askedAt: () => 0,
    close: (reason) => close(reason),
    drain(retryAfterMs) {
      if (!isOver) response.write(event('draining', { retryAfterMs }, `retry: ${retryAfterMs}\n`));
      close('draining', retryAfterMs);
    },
  };
}
