/** For tests: a tenant's own server. It collects what it receives, and answers as told. */

import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The `webhook-id`. */
  readonly id: string;
  /** Byte for byte, for the signature. */
  readonly body: string;
  readonly at: number;
}

/** A status, a status with headers, or a function that handles the response. */
export type TestAnswer =
  | number
  | { readonly status: number; readonly headers: Readonly<Record<string, string>> }
  | ((response: ServerResponse) => void);

/** Never answers. */
export const HANG: TestAnswer = () => undefined;
export const CUT: TestAnswer = (response) => void response.destroy();

export interface TestReceiver {
  readonly url: string;
  readonly port: number;
  /** In the order they came. */
  readonly received: readonly Received[];
  /** Requests under way now, and the highest number so far. */
  readonly underWay: { now: number; most: number };
  answer(how: (received: Received) => TestAnswer): void;
  /** Resolves when `count` requests that fit have come, before or after the call. */
  until(count: number, fits?: (received: Received) => boolean): Promise<readonly Received[]>;
  close(): Promise<void>;
}

/** `port`: that of a closed receiver, to stand for the same server after a restart. */
export async function openTestReceiver(port = 0): Promise<TestReceiver> {
  const received: Received[] = [];
  const waiting = new Set<() => void>();
  const underWay = { now: 0, most: 0 };
  let answer: (one: Received) => TestAnswer = () => 204;

  const server = createServer(async (request, response) => {
    underWay.most = Math.max(underWay.most, ++underWay.now);
    response.on('close', () => underWay.now--);
    const one = await receive(request);
    if (one === null) return;
    received.push(one);
    send(answer(one), response);
    for (const look of waiting) look();
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const { port: listening } = server.address() as AddressInfo; // it listens on TCP

  return {
    url: `http://127.0.0.1:${listening}`,
    port: listening,
    received,
    underWay,
    answer(how) {
      answer = how;
    },
    until: (count, fits = () => true) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = received.filter(fits);
          if (found.length < count) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Null if the sender went away. */
async function receive(request: IncomingMessage): Promise<Received | null> {
  const parts: Buffer[] = [];
  try {
    for await (const part of request) parts.push(part as Buffer);
  } catch {
    return null;
  }
  const { headers, url = '' } = request;
  return { path: url, headers, id: String(headers['webhook-id']), body: Buffer.concat(parts).toString(), at: Date.now() };
}

function send(how: TestAnswer, response: ServerResponse): void {
  if (typeof how === 'function') how(response);
  else if (typeof how === 'number') response.writeHead(how).end();
  else response.writeHead(how.status, how.headers).end();
}
