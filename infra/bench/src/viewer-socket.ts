/**
 * A viewer that uses almost no CPU time. It speaks Socket.IO's protocol, ours or that of nchan over
 * a bare WebSocket, and reads only the beginning of each message. On the same two cores, stock clients
 * would use more CPU time than the gateway. It answers the pings of all protocols, as every client
 * does.
 */

import { WebSocket } from 'ws';
import { NCHAN_SUBSCRIBE_PATH } from './nchan-program.ts';

export interface ViewerSocket {
  close(): void;
}

/** The protocol: Socket.IO's, or that of `/v1/ws`. */
export type Over = 'Socket.IO' | 'WebSocket';
/** Those of the viewers. Nchan's has no words of its own: the channel is in the URL. */
export type ViewerProtocol = Over | 'nchan';

export interface ViewerOptions {
  /** Socket.IO if left out. */
  readonly over?: ViewerProtocol;
  /** `ws://host:port` */
  readonly url: string;
  /** Sent in the CONNECT packet. Over WebSocket only its ticket is. For nchan the ticket is the channel. */
  readonly auth: Readonly<Record<string, string>>;
  readonly onState: (event: 'session' | 'fresh', version: number) => void;
  /** Gives up after this, ms; never if left out. */
  readonly withinMs?: number;
}

/** The gateway has too many at once. */
export class BusyError extends Error {
  override readonly name = 'BusyError';
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    super(`the gateway is busy for ${retryAfterMs} ms`);
    this.retryAfterMs = retryAfterMs;
  }
}

interface Protocol {
  path(auth: ViewerOptions['auth']): string;
  readonly subprotocol: string | undefined;
  readonly event: RegExp;
  /** What to say to a message that is no event: a text, or that the viewer has joined or is refused. */
  answer(head: string, auth: ViewerOptions['auth']): string | 'joined' | 'refused' | null;
  /** Said first, or that the viewer has joined with the connection. */
  hello(auth: ViewerOptions['auth']): string | 'joined' | null;
}

const WEBSOCKET_EVENT = /^\{"type":"(session|fresh)".*?"version":(\d+)/;
const PROTOCOLS: Readonly<Record<ViewerProtocol, Protocol>> = {
  'Socket.IO': {
    path: () => '/socket.io/?EIO=4&transport=websocket',
    subprotocol: undefined,
    event: /^42\["(session|fresh)".*?"version":(\d+)/,
    hello: () => null,
    answer(head, auth) {
      if (head.startsWith('0{')) return `40${JSON.stringify(auth)}`;
      if (head === '2') return '3';
      return head.startsWith('40') ? 'joined' : head.startsWith('44') ? 'refused' : null;
    },
  },
  WebSocket: {
    path: () => '/v1/ws',
    subprotocol: 'qrcast.v1',
    event: WEBSOCKET_EVENT,
    hello: ({ ticket }) => JSON.stringify({ type: 'subscribe', ticket }),
    answer: (head) => (head.startsWith('{"type":"ok"') ? 'joined' : head.startsWith('{"type":"error"') ? 'refused' : null),
  },
  nchan: {
    path: ({ ticket = '' }) => `${NCHAN_SUBSCRIBE_PATH}${ticket}`,
    subprotocol: undefined,
    event: WEBSOCKET_EVENT,
    hello: () => 'joined',
    answer: () => null,
  },
};
/** A message has its id, instance and version within so many characters. */
const HEAD_BYTES = 200;

/** Resolves once the viewer has joined. @throws {Error} if the gateway refuses it, {BusyError} for now */
export function openViewerSocket({ url, auth, over = 'Socket.IO', onState, withinMs }: ViewerOptions): Promise<ViewerSocket> {
  const { path, subprotocol, event: eventIn, hello, answer } = PROTOCOLS[over];
  const socket = new WebSocket(`${url}${path(auth)}`, subprotocol, { perMessageDeflate: false });
  return new Promise((resolve, reject) => {
    const timer = withinMs === undefined ? undefined : setTimeout(() => socket.terminate(), withinMs);
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(timer);
      reject(new Error('the gateway closed a viewer'));
    });
    socket.on('unexpected-response', (request, { headers }) => {
      reject(new BusyError(Number(headers['retry-after'] ?? 0) * 1_000));
      request.destroy();
    });
    const join = (): void => {
      clearTimeout(timer);
      resolve({ close: () => socket.terminate() });
    };
    socket.on('open', () => {
      const first = hello(auth);
      if (first === 'joined') join();
      else if (first !== null) socket.send(first);
    });
    socket.on('message', (data: Buffer) => {
      const head = data.toString('latin1', 0, HEAD_BYTES);
      const [, event, version] = eventIn.exec(head) ?? [];
      if (event === 'session' || event === 'fresh') return onState(event, Number(version));
      const said = answer(head, auth);
      if (said === 'joined') join();
      else if (said === 'refused') reject(new Error('the gateway refused a viewer'));
      else if (said !== null) socket.send(said);
    });
  });
}
