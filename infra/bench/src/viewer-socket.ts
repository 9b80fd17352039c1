/**
 * A viewer that uses almost no CPU time. It speaks the Socket.IO protocol over a bare WebSocket,
 * and reads only the beginning of each message. On the same two cores, stock clients would use more
 * CPU time than the gateway. It answers the pings of both protocols, as every client does.
 */

import { WebSocket } from 'ws';

export interface ViewerSocket {
  close(): void;
}

export interface ViewerOptions {
  /** `ws://host:port` */
  readonly url: string;
  /** Sent in the CONNECT packet. */
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

const PATH = '/socket.io/?EIO=4&transport=websocket';
/** A message has its id, instance and version within so many characters. */
const HEAD_BYTES = 200;
const EVENT = /^42\["(session|fresh)".*?"version":(\d+)/;

/** Resolves once the viewer has joined the namespace. @throws {Error} if the gateway refuses it, {BusyError} for now */
export function openViewerSocket({ url, auth, onState, withinMs }: ViewerOptions): Promise<ViewerSocket> {
  const socket = new WebSocket(`${url}${PATH}`, { perMessageDeflate: false });
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
    socket.on('message', (data: Buffer) => {
      const head = data.toString('latin1', 0, HEAD_BYTES);
      const [, event, version] = EVENT.exec(head) ?? [];
      if (event === 'session' || event === 'fresh') onState(event, Number(version));
      else if (head.startsWith('0{')) socket.send(`40${JSON.stringify(auth)}`);
      else if (head === '2') socket.send('3');
      else if (head.startsWith('40')) {
        clearTimeout(timer);
        resolve({ close: () => socket.terminate() });
      } else if (head.startsWith('44')) reject(new Error('the gateway refused a viewer'));
    });
  });
}
