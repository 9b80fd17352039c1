/** For tests: sends bytes that no client library would send, over a connection of its own. */

import { connect } from 'node:net';

/** The bytes of a request up to its body. */
export const requestHead = (...lines: readonly string[]): string => `${lines.join('\r\n')}\r\n\r\n`;

/** Everything that the gateway sends until it ends the connection. */
export async function sendRaw(port: number, ...pieces: readonly (string | Uint8Array)[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => undefined); // a reset is an end as well
  const closed = new Promise((resolve) => socket.once('close', resolve));
  for (const piece of pieces) socket.write(piece);
  await closed;
  return Buffer.concat(chunks).toString();
}

/** The head of the answer. Then the connection is cut. */
export async function readHead(port: number, request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(request);
  let text = '';
  for await (const chunk of socket) {
    text += String(chunk);
    if (text.includes('\r\n\r\n')) break; // leaving the loop destroys the socket
  }
  return text.split('\r\n\r\n', 1)[0] ?? '';
}

export const statuses = (answers: string): string[] => [...answers.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status ?? '');
