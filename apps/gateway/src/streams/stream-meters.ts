/** Counts connections, subscriptions and messages. The series are found once, because messages are counted at every delivery. */

import type { CloseReason } from '@qrcast/core/close-codes';
import type { Counter, Histogram, Level, Meters } from '@qrcast/runtime/metrics/meters';
import { MESSAGE_KINDS, TRANSPORTS, type Transport } from '@qrcast/runtime/metrics/metrics-gateway';

type MessageKind = (typeof MESSAGE_KINDS)[number];
/** A held request is an answer, and the transport does not see it. */
type Streamed = Exclude<Transport, 'longpoll'>;

/** What a connection was closed with; `client`: it left by itself; `cut`: it was cut without a word. */
export type ClosedBy = CloseReason | 'client' | 'cut';

export interface StreamMeters {
  /** A connection has shown a good ticket. Returns what to call when it has ended. */
  accept(transport: Transport): () => void;
  /** A connection that had shown a good ticket has ended. */
  closed(transport: Streamed, by: ClosedBy): void;
  readonly subscriptions: Readonly<Record<Transport, Level>>;
  /** `ageMs`: of the change that the message tells; null if its viewer did not wait for it. */
  sent(transport: Transport, kind: MessageKind, ageMs: number | null): void;
  readonly bytes: Readonly<Record<Streamed, Counter>>;
  /** States that no viewer was sent, because a newer one came. */
  readonly superseded: Counter;
  readonly pingPong: Readonly<Record<'socketio' | 'websocket', Histogram>>;
}

export function createStreamMeters(meters: Meters): StreamMeters {
  const perTransport = <T>(make: (transport: Transport) => T) =>
    Object.fromEntries(TRANSPORTS.map((transport) => [transport, make(transport)])) as Readonly<Record<Transport, T>>; // all of them
  const perKind = <T>(make: (kind: MessageKind) => T) =>
    Object.fromEntries(MESSAGE_KINDS.map((kind) => [kind, make(kind)])) as Readonly<Record<MessageKind, T>>; // all of them
  const connections = perTransport((transport) => meters.level('qrcast_connections', { transport }));
  const accepted = perTransport((transport) => meters.counter('qrcast_connections_accepted_total', { transport }));
  const messages = perTransport((transport) => perKind((kind) => meters.counter('qrcast_messages_sent_total', { transport, kind })));
  const bytesOver = (transport: Streamed) => meters.counter('qrcast_messages_sent_bytes_total', { transport });
  const age = perKind((kind) => meters.histogram('qrcast_delivery_seconds', { kind }));
  return {
    accept(transport) {
      accepted[transport].add();
      connections[transport].up();
      return () => connections[transport].down();
    },
    closed: (transport, code) => meters.counter('qrcast_connections_closed_total', { transport, code }).add(),
    subscriptions: perTransport((transport) => meters.level('qrcast_subscriptions', { transport })),
    sent(transport, kind, ageMs) {
      messages[transport][kind].add();
      if (ageMs !== null) age[kind].observe(ageMs / 1_000);
    },
    bytes: { socketio: bytesOver('socketio'), websocket: bytesOver('websocket'), sse: bytesOver('sse') },
    superseded: meters.counter('qrcast_states_superseded_total', {}),
    pingPong: {
      socketio: meters.histogram('qrcast_ping_pong_seconds', { transport: 'socketio' }),
      websocket: meters.histogram('qrcast_ping_pong_seconds', { transport: 'websocket' }),
    },
  };
}
