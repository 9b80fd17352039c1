/**
 * A viewer over `/v1/ws` that reads which code a state shows, or that the session is connected. Like
 * the one of viewer-socket.ts it uses almost no CPU time: it reads only the beginning of a message.
 */

import { WebSocket } from 'ws';
import { KEY_TO, keyOf } from './code-latencies.ts';

export interface CodeViewer {
  close(): void;
}

export interface CodeViewerOptions {
  /** `ws://host:port` */
  readonly url: string;
  readonly ticket: string;
  /** Called with the state of the session, and the key of the code's picture if there is one. */
  readonly onState: (state: string, key: string | null) => void;
}

const PICTURE = '"data:image/png;base64,';
/** A message has its state and the beginning of its picture within so many characters. */
const HEAD_BYTES = 640;

/** Resolves once the viewer has joined. @throws {Error} if the gateway refuses it */
export function openCodeViewer({ url, ticket, onState }: CodeViewerOptions): Promise<CodeViewer> {
  const socket = new WebSocket(`${url}/v1/ws`, 'qrcast.v1', { perMessageDeflate: false });
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the gateway closed a viewer before it had joined')));
    socket.on('open', () => socket.send(JSON.stringify({ type: 'subscribe', ticket })));
    socket.on('message', (data: Buffer) => {
      const head = data.toString('latin1', 0, HEAD_BYTES);
      if (head.startsWith('{"type":"session"')) onState(stateIn(head), keyIn(head));
      else if (head.startsWith('{"type":"ok"')) resolve({ close: () => socket.terminate() });
      else if (head.startsWith('{"type":"error"')) reject(new Error('the gateway refused a viewer'));
    });
  });
}

function stateIn(head: string): string {
  return /"state":"(\w+)"/.exec(head)?.[1] ?? '';
}

function keyIn(head: string): string | null {
  const from = head.indexOf(PICTURE);
  return from < 0 ? null : keyOf(head.slice(from + PICTURE.length, from + PICTURE.length + KEY_TO));
}
