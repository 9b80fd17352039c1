/** For tests: a DNS server over UDP. It answers with what it is told to, or never. */

import { createSocket } from 'node:dgram';
import type { AddressInfo } from 'node:net';

export interface TestNameServer {
  /** As a resolver wants it. */
  readonly address: string;
  /** Names that were asked for, those asked for twice once. */
  readonly asked: ReadonlySet<string>;
  /** How often, whatever for. */
  readonly questions: () => number;
  /** Resolves when so many names were asked for, past or future. */
  until(count: number): Promise<void>;
  close(): Promise<void>;
}

const HEADER_BYTES = 12;
const TYPE_A = 1;
const TTL_SECONDS = 60;

/** `answer`: the IPv4 addresses of a name; null leaves the question open. */
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

/** RFC 1035: labels, each behind its length, up to an empty one; then the type and the class. */
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
  head.writeUInt16BE(0x8180, 2); // an answer without a fault, recursion available
  for (const [at, count] of [1, addresses.length, 0, 0].entries()) head.writeUInt16BE(count, 4 + 2 * at);
  const records = addresses.map((address) => {
    const record = Buffer.alloc(16);
    record.writeUInt16BE(0xc000 + HEADER_BYTES, 0); // the name is the question's
    record.writeUInt16BE(TYPE_A, 2);
    record.writeUInt16BE(1, 4); // IN
    record.writeUInt32BE(TTL_SECONDS, 6);
    record.writeUInt16BE(4, 10);
    record.set(address.split('.').map(Number), 12);
    return record;
  });
  return Buffer.concat([head, ...records]);
}
