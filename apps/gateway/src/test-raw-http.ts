/** For tests: bytes as no client library would send them, over a connection of their own. */

import { connect } from 'node:net';

/** All that comes back until the gateway ends the connection. */
export async function sendRaw(port: number, ...pieces: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => undefined); // a reset is an end as well
  const closed = new Promise((resolve) => socket.once('close', resolve));
  for (const piece of pieces) socket.write(piece);
  await closed;
  return Buffer.concat(chunks).toString();
}

export const statuses = (answers: string): string[] => [...answers.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status ?? '');
