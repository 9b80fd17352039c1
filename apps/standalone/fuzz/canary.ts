/** A viewer of a healthy session. It reconnects when it is cut off, as every client does. */

import { WebSocket } from 'ws';
import { ANSWER_LIMIT_MS } from './run-edge.ts';

export interface Canary {
  /** Resolves once the gateway answers it. */
  lives(): Promise<void>;
  /** Resolves once it gets a code that it has not had before. */
  nextCode(): Promise<void>;
  close(): void;
}

interface Frame {
  readonly type: string;
  readonly ref?: number;
  readonly session?: { readonly version: number; readonly code: { readonly issuedAt: number; readonly text: string | null } | null };
}

const COME_BACK_MS = 50;

/** What the viewer has seen, over all its connections. */
interface Seen {
  socket: WebSocket | null;
  /** The text of the newest code. */
  shown: string | null;
  /** The `ref` of the newest ping, and of the newest one that was answered. */
  pings: number;
  answered: number;
  isClosed: boolean;
  /** Called after each message. */
  readonly waiting: Set<() => void>;
}

export function openCanary(port: () => number, ticket: string): Canary {
  const seen: Seen = { socket: null, shown: null, pings: 0, answered: 0, isClosed: false, waiting: new Set() };
  open(seen, port, ticket);
  return {
    async lives() {
      const ref = ++seen.pings;
      if (seen.socket?.readyState === WebSocket.OPEN) ping(seen, seen.socket);
      await until(seen, () => seen.answered >= ref, 'was not answered');
    },
    async nextCode() {
      const before = seen.shown;
      await until(seen, () => seen.shown !== null && seen.shown !== before, 'got no further code');
    },
    close() {
      seen.isClosed = true;
      seen.socket?.terminate();
    },
  };
}

function open(seen: Seen, port: () => number, ticket: string): void {
  const opened = new WebSocket(`ws://127.0.0.1:${port()}/v1/ws`, ['qrcast.v1']);
  opened.on('open', () => {
    opened.send(JSON.stringify({ type: 'subscribe', ticket, formats: ['text'] }));
    if (seen.answered < seen.pings) ping(seen, opened); // earlier requests are lost
  });
  opened.on('message', (data) => {
    const { type, ref, session } = JSON.parse(String(data)) as Frame; // the gateway's own
    if (type === 'pong' && ref !== undefined) seen.answered = ref;
    if (session?.code?.text != null) seen.shown = session.code.text;
    for (const look of seen.waiting) look();
  });
  opened.on('error', () => undefined); // 'close' follows
  opened.on('close', () => {
    if (!seen.isClosed) setTimeout(() => open(seen, port, ticket), COME_BACK_MS);
  });
  seen.socket = opened;
}

const ping = ({ pings }: Seen, to: WebSocket): void => to.send(JSON.stringify({ type: 'ping', ref: pings }));

function until({ waiting }: Seen, isMet: () => boolean, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(limit);
      waiting.delete(look);
    };
    const look = (): void => {
      if (!isMet()) return;
      end();
      resolve();
    };
    const limit = setTimeout(() => {
      end();
      reject(new Error(`a healthy session beside it ${what}`));
    }, ANSWER_LIMIT_MS);
    waiting.add(look);
    look();
  });
}
