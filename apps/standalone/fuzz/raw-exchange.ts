/** Sends bytes over a connection of its own, and reads everything until it is closed. */

import { connect } from 'node:net';
import { ANSWER_LIMIT_MS, type Seen } from './run-edge.ts';

/**
 * We end a connection on which nothing arrives for this long, because the other side may wait for
 * more or hold its answer. On a slow machine this can miss an answer. Then less is tested, and
 * nothing fails.
 */
const SILENCE_MS = 200;

/** @param pieces latin1 texts. Each is written once the one before has been sent. */
export function exchangeRaw(port: number, pieces: readonly string[], limitMs: number = ANSWER_LIMIT_MS): Promise<Seen> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const chunks: Buffer[] = [];
    const settle = (isSettled: boolean): void => {
      clearTimeout(silence);
      clearTimeout(limit);
      socket.destroy();
      const text = Buffer.concat(chunks).toString('latin1');
      resolve({ statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status)), text, isSettled });
    };
    const silence = setTimeout(() => socket.end(), SILENCE_MS);
    const limit = setTimeout(() => settle(false), limitMs);
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      silence.refresh();
    });
    socket.on('error', () => undefined); // a reset counts as a close
    socket.on('close', () => settle(true));
    for (const piece of pieces) socket.write(Buffer.from(piece, 'latin1'));
  });
}
