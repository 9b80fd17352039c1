/**
 * A viewer that costs next to nothing: the Socket.IO protocol spoken over a bare WebSocket, and of each message only its head read. Stock
 * clients on the same two cores would take more CPU than what is measured. Pings of both protocols are answered, as every client does.
 */

import { WebSocket } from 'ws';

export interface ViewerSocket {
  close(): void;
}

export interface ViewerOptions {
  /** `ws://host:port` */
  readonly url: string;
  /** Sent with CONNECT. */
  readonly auth: Readonly<Record<string, string>>;
  readonly onState: (event: 'session' | 'fresh', version: number) => void;
}

const PATH = '/socket.io/?EIO=4&transport=websocket';
/** Id, instance and version stand within it. */
const HEAD_BYTES = 200;
const EVENT = /^42\["(session|fresh)".*?"version":(\d+)/;

/** Resolves once the namespace is joined. @throws {Error} if it is refused. */
export function openViewerSocket({ url, auth, onState }: ViewerOptions): Promise<ViewerSocket> {
  const socket = new WebSocket(`${url}${PATH}`, { perMessageDeflate: false });
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the gateway closed a viewer')));
    socket.on('message', (data: Buffer) => {
      const head = data.toString('latin1', 0, HEAD_BYTES);
      const [, event, version] = EVENT.exec(head) ?? [];
      if (event === 'session' || event === 'fresh') onState(event, Number(version));
      else if (head.startsWith('0{')) socket.send(`40${JSON.stringify(auth)}`);
      else if (head === '2') socket.send('3');
      else if (head.startsWith('40')) resolve({ close: () => socket.terminate() });
      else if (head.startsWith('44')) reject(new Error('the gateway refused a viewer'));
    });
  });
}
