/**
 * A viewer that loses its connection and comes back, over Socket.IO's protocol or over `/v1/ws`. It
 * keeps what it was told as its own user would see it, and counts what must not happen. Bare
 * sockets, as in viewer-socket.ts: thousands of stock clients would use more CPU time than the
 * gateway.
 */

import { WebSocket } from 'ws';
import { monotonicMs } from './measure.ts';

export type Wire = 'socketio' | 'ws';

export interface ReturningViewerOptions {
  readonly wire: Wire;
  /** `ws://host:port` of the gateways. The first connection takes the first, the next the next. */
  readonly urls: readonly string[];
  readonly ticket: string;
  /** How long it stays away after a loss, ms. `hintMs` is what the gateway said of it, or 0. */
  readonly awayMs: (failures: number, hintMs: number) => number;
}

/** One return: from the start of the attempt that succeeded. */
export interface Return {
  readonly lostAt: number;
  readonly connectAt: number;
  readonly joinedAt: number;
  /** The version it had, and those that it was then told, each with its time. */
  readonly had: number;
  readonly told: (readonly [version: number, at: number])[];
}

export interface ReturningViewer {
  readonly returns: readonly Return[];
  version(): number;
  isConnected(): boolean;
  hasJoined(): boolean;
  /** Messages that were older than one before, and codes after `connected`. */
  faults(): { readonly back: number; readonly late: number };
  /** Loses the connection without a word. */
  cut(): void;
  /** Resolves once it has joined, now or later. */
  joined(): Promise<void>;
  close(): void;
}

const SOCKETIO_PATH = '/socket.io/?EIO=4&transport=websocket';
const WS_PATH = '/v1/ws';
/** A message has its kind, id, version and state within so many characters. */
const HEAD_BYTES = 320;
const SESSION = /"version":(\d+),"state":"(\w+)"/;
const FRESH = /^(?:42\["fresh"|\{"type":"fresh").*?"version":(\d+)/;
const HINT = /"retryAfterMs":(\d+)/;

// One closure: its methods share the connection that is open now.
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: its functions share the state of the connection.
export function openReturningViewer({ wire, urls, ticket, awayMs }: ReturningViewerOptions): ReturningViewer {
  const returns: Return[] = [];
  let [version, isConnected, back, late] = [0, false, 0, 0];
  let [turn, failures, hintMs, isClosed, hasJoined] = [0, 0, 0, false, false];
  let lostAt = monotonicMs();
  let socket: WebSocket | null = null;
  let timer: NodeJS.Timeout | undefined;
  const wakers: (() => void)[] = [];

  function tell(next: number, state: string | null, current: Return | undefined): void {
    if (next <= version) back++;
    if (isConnected && state !== 'connected') late++;
    version = Math.max(version, next);
    isConnected ||= state === 'connected';
    current?.told.push([next, monotonicMs()]);
  }

  function connect(): void {
    const connectAt = monotonicMs();
    const opened = new WebSocket(`${urls[turn++ % urls.length]}${wire === 'ws' ? WS_PATH : SOCKETIO_PATH}`, { perMessageDeflate: false });
    socket = opened;
    let current: Return | undefined;
    const join = (): void => {
      failures = 0;
      hasJoined = true;
      current = { lostAt, connectAt, joinedAt: monotonicMs(), had: version, told: [] };
      returns.push(current);
      for (const wake of wakers.splice(0)) wake();
    };
    const known = version === 0 ? {} : { after: version };
    opened.on('open', () => wire === 'ws' && opened.send(JSON.stringify({ type: 'subscribe', ticket, ...known })));
    opened.on('message', (data: Buffer) => {
      const head = data.toString('latin1', 0, HEAD_BYTES);
      if (head.startsWith('0{')) opened.send(`40${JSON.stringify({ ticket, ...known })}`);
      else if (head === '2') opened.send('3');
      else if (head.startsWith('40') || head.startsWith('{"type":"ok"')) join();
      else if (/draining|closing/.test(head)) hintMs = Number(HINT.exec(head)?.[1] ?? 0);
      else {
        const fresh = FRESH.exec(head)?.[1];
        const [, next, state = null] = SESSION.exec(head) ?? [];
        if (fresh !== undefined) tell(Number(fresh), null, current);
        else if (next !== undefined) tell(Number(next), state, current);
      }
    });
    opened.on('error', () => undefined); // 'close' follows
    opened.on('close', () => {
      if (hasJoined) lostAt = monotonicMs();
      hasJoined = false;
      if (isClosed || isConnected) return;
      timer = setTimeout(connect, awayMs(failures++, hintMs));
      hintMs = 0;
    });
  }
  connect();

  return {
    returns,
    version: () => version,
    isConnected: () => isConnected,
    hasJoined: () => hasJoined,
    faults: () => ({ back, late }),
    cut: () => socket?.terminate(),
    joined: () => (hasJoined ? Promise.resolve() : new Promise((resolve) => void wakers.push(resolve))),
    close() {
      isClosed = true;
      clearTimeout(timer);
      socket?.terminate();
    },
  };
}
