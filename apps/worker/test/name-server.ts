/** For tests: a DNS server over UDP. It answers as the test says, or never. */

import { createSocket } from 'node:dgram';
import type { AddressInfo } from 'node:net';

export interface TestNameServer {
  /** In the form that a resolver takes. */
  readonly address: string;
  /** The names that were asked for, without duplicates. */
  readonly asked: ReadonlySet<string>;
  /** The number of questions of any kind. */
  readonly questions: () => number;
  /** Resolves when so many names were asked for, before or after the call. */
  until(count: number): Promise<void>;
  close(): Promise<void>;
}

const HEADER_BYTES = 12;
const TYPE_A = 1;
const TTL_SECONDS = 60;

/** `answer`: the IPv4 addresses of a name. Null: the question gets no answer. */
export async function openTestNameServer(answer: (name: string) => readonly string[] | null): Promise<TestNameServer> {
  const asked = new Set<string>();
  let questions = 0;
  const waiting = new Set<() => void>();
  const socket = createSocket('udp4');
  socket.on('message', (query, { port, address }) => {
    const { name, type, end } = questionOf(query);
    asked.add(name);
    questions++;
    for (const look of waiting) look();
    const addresses = answer(name);
    if (addresses !== null) socket.send(answerTo(query.subarray(0, end), type === TYPE_A ? addresses : []), port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(socket.address() as AddressInfo).port}`,
    asked,
    questions: () => questions,
    async until(count) {
      while (asked.size < count) {
        const { promise, resolve } = Promise.withResolvers<void>();
        waiting.add(resolve);
        await promise;
        waiting.delete(resolve);
      }
    },
    close: () => new Promise((resolve) => socket.close(resolve)),
  };
}

/**
 * RFC 1035: labels, each after its length, up to an empty one. Then the type and the class follow.
 */
function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.'), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function answerTo(question: Buffer, addresses: readonly string[]): Buffer {
  const head = Buffer.from(question);
  head.writeUInt16BE(0x8180, 2); // an answer without an error, recursion available
  for (const [at, count] of [1, addresses.length, 0, 0].entries()) head.writeUInt16BE(count, 4 + 2 * at);
  const records = addresses.map((address) => {
    const record = Buffer.alloc(16);
    record.writeUInt16BE(0xc000 + HEADER_BYTES, 0); // the name of the question
    record.writeUInt16BE(TYPE_A, 2);
    record.writeUInt16BE(1, 4); // IN
    record.writeUInt32BE(TTL_SECONDS, 6);
    record.writeUInt16BE(4, 10);
    record.set(address.split('.').map(Number), 12);
    return record;
  });
  return Buffer.concat([head, ...records]);
}
