/**
 * For tests: shows every command that Redis gets. ioredis's own `monitor()` breaks if a command
 * comes together with the answer to MONITOR, which happens often on a busy machine.
 */

import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

export interface RedisMonitor extends EventEmitter<{ readonly monitor: [time: string, args: string[]]; readonly end: [] }> {
  disconnect(): void;
}

const LINE = /^\+(\d+\.\d+) \[[^\]]*\] (.*)$/s;
const ARGUMENT = /"((?:[^"\\]|\\.)*)"/g;
const ESCAPED = /\\(?:x([0-9a-f]{2})|(.))/g;
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b' };

/**
 * Emits `monitor` for each command from now on, of every client and script.
 * @param urls of all servers that get them
 */
export async function openRedisMonitor(urls: readonly string[]): Promise<RedisMonitor> {
  const emitter = new EventEmitter();
  const sockets = await Promise.all(urls.map((url) => watch(url, emitter)));
  return Object.assign(emitter, {
    disconnect() {
      for (const socket of sockets) socket.destroy();
    },
  }) as RedisMonitor;
}

async function watch(url: string, monitor: EventEmitter): Promise<Socket> {
  const { hostname, port, username, password } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.once('close', () => monitor.emit('end'));
  const lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY });
  const opened = Promise.withResolvers<void>();
  let answers = 0;
  lines.on('line', (line) => {
    const [, time = '', text] = LINE.exec(line) ?? [];
    if (text !== undefined) monitor.emit('monitor', time, argumentsOf(text));
    else if (line.startsWith('-')) opened.reject(new Error(line));
    else if (++answers === 2) opened.resolve();
  });
  const user = decodeURIComponent(username) || 'default';
  socket.write(`AUTH ${user} ${decodeURIComponent(password)}\r\nMONITOR\r\n`);
  await opened.promise;
  return socket;
}

function argumentsOf(text: string): string[] {
  return [...text.matchAll(ARGUMENT)].map(([, argument = '']) => {
    const bytes = argument.replace(ESCAPED, (_all, hex: string | undefined, letter = '') =>
      hex === undefined ? (CONTROLS[letter] ?? letter) : String.fromCharCode(Number.parseInt(hex, 16)),
    );
    return Buffer.from(bytes, 'latin1').toString();
  });
}
