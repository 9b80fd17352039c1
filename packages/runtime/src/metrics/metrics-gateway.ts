/** Metrics of a gateway. */

import { CLOSE_CODES } from '@qrcast/core/close-codes';
import { ERRORS } from '@qrcast/core/errors';
import { limitNameSchema } from '@qrcast/core/tenant-limits';
import { ANSWER_SECONDS } from '@qrcast/core/weather';
import { DELIVERY_SECONDS, type Metric } from './metric.ts';

const GATEWAY = ['gateway'] as const;

export const TRANSPORTS = ['socketio', 'websocket', 'sse', 'longpoll'] as const;
export type Transport = (typeof TRANSPORTS)[number];
export const MESSAGE_KINDS = ['session', 'fresh'] as const;

const transport = { transport: TRANSPORTS } as const;
/** A long-poll is a call, and is measured as one. */
const STREAMED = ['socketio', 'websocket', 'sse'] as const;

export const GATEWAY_METRICS = {
  qrcast_connections: {
    type: 'gauge',
    help: 'Connections of viewers with a good ticket, and held requests.',
    labels: transport,
    of: GATEWAY,
  },
  qrcast_connections_limit: { type: 'gauge', help: 'How many there may be (`QRCAST_MAX_CONNECTIONS`).', labels: {}, of: GATEWAY },
  qrcast_subscriptions: {
    type: 'gauge',
    help: 'Sessions that viewers watch, counted once for each viewer.',
    labels: transport,
    of: GATEWAY,
  },
  qrcast_connections_accepted_total: { type: 'counter', help: 'Connections that showed a good ticket.', labels: transport, of: GATEWAY },
  qrcast_connections_closed_total: {
    type: 'counter',
    help: 'Connections with a good ticket that ended, by the close code that they were told; `client`: the client left by itself; `cut`: it was cut without a word, as it did not answer.',
    labels: {
      transport: STREAMED,
      code: [...(Object.keys(CLOSE_CODES) as (keyof typeof CLOSE_CODES)[]), 'client', 'cut'],
    },
    of: GATEWAY,
  },
  qrcast_messages_sent_total: {
    type: 'counter',
    help: 'Messages handed to a transport: `session` has the whole state, `fresh` a new time of the same code.',
    labels: { ...transport, kind: MESSAGE_KINDS },
    of: GATEWAY,
  },
  qrcast_messages_sent_bytes_total: {
    type: 'counter',
    help: 'Their bytes, before compression and TLS.',
    labels: { transport: STREAMED },
    of: GATEWAY,
  },
  qrcast_states_superseded_total: {
    type: 'counter',
    help: 'Changes that a slow viewer was not sent, because a newer one came before it had read the last.',
    labels: {},
    of: GATEWAY,
  },
  qrcast_ping_pong_seconds: {
    type: 'histogram',
    help: 'From a ping over a WebSocket to its pong: what a client needs to read all that was sent before.',
    labels: { transport: ['socketio', 'websocket'] },
    of: GATEWAY,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20],
  },
  qrcast_delivery_seconds: {
    type: 'histogram',
    help: "From a change of a session until it was handed to a viewer's transport, by Redis's clock. Only of changes that came while the viewer watched.",
    labels: { kind: MESSAGE_KINDS },
    of: GATEWAY,
    buckets: DELIVERY_SECONDS,
  },
  qrcast_refusals_total: {
    type: 'counter',
    help: 'Calls and subscriptions that were refused, by error code, and by the limit if one was reached.',
    labels: { code: Object.keys(ERRORS) as (keyof typeof ERRORS)[], limit: limitNameSchema.options },
    of: GATEWAY,
  },
  qrcast_http_request_seconds: {
    type: 'histogram',
    help: 'HTTP calls, to the last byte of the answer. A long-poll counts with the time that it was held.',
    labels: {
      route: { atMost: 100, what: 'the path with its parameters, like `/v1/sessions/:id`; `none` if there is no such path' },
      method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      status: { atMost: 40, what: 'the status of the answer' },
    },
    of: GATEWAY,
    buckets: ANSWER_SECONDS,
  },
} as const satisfies Record<string, Metric>;

export const SOCKET_IO_METRICS = {
  socket_io_connected: { type: 'gauge', help: 'Sockets of Socket.IO now.', labels: {}, of: GATEWAY },
  socket_io_connect_total: { type: 'counter', help: 'Sockets of Socket.IO that have connected.', labels: {}, of: GATEWAY },
  socket_io_disconnect_total: { type: 'counter', help: 'Sockets of Socket.IO that have disconnected.', labels: {}, of: GATEWAY },
} as const satisfies Record<string, Metric>;
