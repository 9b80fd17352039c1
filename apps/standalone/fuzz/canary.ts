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

export function openCanary(port: () => number, ticket: string): Canary {
  const waiting = new Set<() => void>();
  let socket: WebSocket | null = null;
  let shown: string | null = null;
  let pings = 0;
  let answered = 0;
  let isClosed = false;

  function open(): void {
    const opened = new WebSocket(`ws://127.0.0.1:${port()}/v1/ws`, ['qrcast.v1']);
    opened.on('open', () => {
      opened.send(JSON.stringify({ type: 'subscribe', ticket, formats: ['text'] }));
      if (answered < pings) ping(opened); // earlier requests are lost
    });
    opened.on('message', (data) => {
      const { type, ref, session } = JSON.parse(String(data)) as Frame; // the gateway's own
      if (type === 'pong' && ref !== undefined) answered = ref;
      if (session?.code?.text != null) shown = session.code.text;
      for (const look of waiting) look();
    });
    opened.on('error', () => undefined); // 'close' follows
    opened.on('close', () => {
      if (!isClosed) setTimeout(open, COME_BACK_MS);
    });
    socket = opened;
  }
  const ping = (to: WebSocket): void => to.send(JSON.stringify({ type: 'ping', ref: pings }));
  open();

  function until(isMet: () => boolean, what: string): Promise<void> {
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

  return {
    async lives() {
      const ref = ++pings;
      if (socket?.readyState === WebSocket.OPEN) ping(socket);
      await until(() => answered >= ref, 'was not answered');
    },
    async nextCode() {
      const before = shown;
      await until(() => shown !== null && shown !== before, 'got no further code');
    },
    close() {
      isClosed = true;
      socket?.terminate();
    },
  };
}
