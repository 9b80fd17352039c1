/**
 * For fault tests: a viewer that records every message with its time, exactly as it came, and comes
 * back whenever its connection is lost, to the next gateway of its list. It ends itself at a final
 * state, as PROTOCOL.md wants it.
 */

import type { WireSession } from '@qrcast/core/wire';
import { createUntil } from '@qrcast/gateway/test/recorder';
import {
  type Connection,
  type ConnectionRequest,
  type Heard,
  openLongPoll,
  openSocketIo,
  openSocketIoDefaults,
  openSocketIoPolling,
  openSse,
  openWebSocket,
  type Unstamped,
} from './recording-connections.ts';

export const TRANSPORTS = ['socketio', 'websocket', 'sse', 'long-poll'] as const;
/** Those of Socket.IO whose requests must all reach one gateway. */
export const STICKY_TRANSPORTS = ['socketio-polling', 'socketio-defaults'] as const;
export type TransportName = (typeof TRANSPORTS)[number] | (typeof STICKY_TRANSPORTS)[number];

export interface RecordingClient {
  readonly transport: TransportName;
  readonly heard: readonly Heard[];
  /** The whole states among them. */
  sessions(): readonly WireSession[];
  /** The newest whole state. */
  last(): WireSession | undefined;
  /** The greatest version heard, or 0. */
  version(): number;
  /** Resolves to the first whole state, past or future, that fits. */
  until(fits: (session: WireSession) => boolean): Promise<WireSession>;
  /** Resolves once `count` messages of this kind were heard. */
  untilHeard(kind: Heard['kind'], count?: number): Promise<void>;
  /** Resolves once nothing is open any more. */
  close(): Promise<void>;
}

export interface RecordingClientOptions {
  readonly transport: TransportName;
  /** The gateways. Each connection takes the next one. */
  readonly urls: readonly string[];
  readonly ticket: string;
  /** The longest pause before it comes back, with full jitter, ms. */
  readonly backWithinMs?: number;
}

const OPENERS: Readonly<Record<TransportName, (request: ConnectionRequest) => Connection>> = {
  socketio: openSocketIo,
  'socketio-polling': openSocketIoPolling,
  'socketio-defaults': openSocketIoDefaults,
  websocket: openWebSocket,
  sse: openSse,
  'long-poll': openLongPoll,
};
const BACK_WITHIN_MS = 1_000;

export function openRecordingClient({ transport, urls, ticket, backWithinMs = BACK_WITHIN_MS }: RecordingClientOptions): RecordingClient {
  const heard: Heard[] = [];
  const { until, look } = createUntil();
  const stop = new AbortController();
  let version = 0;
  let last: WireSession | undefined;
  const sessions = (): WireSession[] => heard.flatMap((one) => (one.kind === 'session' ? [one.session] : []));

  function hear(message: Unstamped): void {
    heard.push({ at: performance.now(), ...message });
    if (message.kind === 'session') {
      last = message.session;
      version = Math.max(version, last.version);
    }
    if (message.kind === 'fresh') version = Math.max(version, message.version);
    look();
  }

  async function run(): Promise<void> {
    for (let turn = 0; !stop.signal.aborted && !(last !== undefined && isFinal(last)); turn++) {
      const url = urls[turn % urls.length] ?? '';
      const connection = OPENERS[transport]({ url, ticket, after: version, hear });
      stop.signal.addEventListener('abort', connection.close);
      hear({ kind: 'lost', why: await connection.lost });
      stop.signal.removeEventListener('abort', connection.close);
      await pause(Math.random() * backWithinMs, stop.signal);
    }
  }
  const running = run();

  return {
    transport,
    heard,
    sessions,
    last: () => last,
    version: () => version,
    until: (fits) => until(() => sessions().find(fits)),
    untilHeard: (kind, count = 1) =>
      until(() => (heard.filter((one) => one.kind === kind).length >= count ? true : undefined)).then(() => undefined),
    async close() {
      stop.abort();
      await running;
    },
  };
}

export function isFinal({ state, end }: WireSession): boolean {
  return state === 'connected' || end?.resumable === false;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
    if (signal.aborted) resolve();
  });
}
