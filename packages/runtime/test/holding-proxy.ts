/**
 * For tests: a TCP proxy before Redis that can hold back all answers, and counts the commands that
 * came. So a test sees how many are under way without a look at a clock.
 */

import { connect, createServer, type Socket } from 'node:net';
import type { WatchOptions } from '../src/redis/connection-watch.ts';
import { openTestRuntime, type TestRuntime } from './runtime.ts';

export interface HoldingProxy {
  readonly port: number;
  /** How many times the command has come so far, over all connections. */
  count(command: string): number;
  /** Resolves when it has come so many times. */
  until(command: string, times: number): Promise<void>;
  /** Answers are held back from now on (true), or passed on, also those held (false). */
  hold(isHeld: boolean): void;
  /** Destroys the connections open now. */
  cut(): void;
  close(): Promise<void>;
}

const NEVER_MS = 3_600_000;
const UNWATCHED: WatchOptions = { proveEveryMs: NEVER_MS, silentMs: NEVER_MS, followsErrors: false };

/**
 * A runtime behind the proxy whose commands come through at once. ioredis sends none while an earlier
 * one is unanswered, so no proof of a connection may be under way.
 */
export async function openHeldRuntime(proxy: HoldingProxy, serverUrl: string, namespace?: string): Promise<TestRuntime> {
  const url = new URL(serverUrl);
  url.port = String(proxy.port);
  const runtime = openTestRuntime(url.href, namespace, UNWATCHED);
  await proxy.until('publish', 1); // the end of the proof that follows a connect
  await runtime.redis.ping();
  return runtime;
}

export async function openHoldingProxy(targetPort: number): Promise<HoldingProxy> {
  const pairs = new Map<Socket, Socket>();
  const counts = createCounts();
  let isHeld = false;
  const server = createServer((near) => {
    const far = connect(targetPort, '127.0.0.1');
    pairs.set(near, far);
    near.on('data', counts.reader());
    near.pipe(far).pipe(near);
    if (isHeld) far.unpipe(near);
    for (const socket of [near, far]) {
      socket.on('error', () => undefined); // the other end sees it as a close
      socket.on('close', () => {
        pairs.delete(near);
        near.destroy();
        far.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');

  const cut = (): void => pairs.forEach((_far, near) => void near.destroy());
  return {
    port: address.port,
    count: counts.of,
    until: counts.until,
    hold(held) {
      isHeld = held;
      for (const [near, far] of pairs) {
        if (held) far.unpipe(near);
        else far.pipe(near);
      }
    },
    cut,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      cut();
      await closed;
    },
  };
}

interface Counts {
  of(command: string): number;
  until(command: string, times: number): Promise<void>;
  /** Gets what one connection sends. */
  reader(): (chunk: Buffer) => void;
}

/** Clients send each command as an array of texts: `*2\r\n$4\r\nHGET\r\n$1\r\nk\r\n`. */
function createCounts(): Counts {
  const counts = new Map<string, number>();
  const looking = new Set<() => void>();
  const of = (command: string): number => counts.get(command) ?? 0;
  return {
    of,
    until: (command, times) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (of(command) < times) return;
          looking.delete(look);
          resolve();
        };
        looking.add(look);
        look();
      }),
    reader() {
      let rest = '';
      return (chunk) => {
        rest += chunk.toString('latin1');
        const heads = /\*\d+\r\n\$\d+\r\n(\w+)\r\n/g;
        let readTo = 0;
        for (const { 0: head, 1: word = '', index } of rest.matchAll(heads)) {
          const command = word.toLowerCase();
          counts.set(command, of(command) + 1);
          readTo = index + head.length;
        }
        rest = rest.slice(readTo);
        for (const look of looking) look();
      };
    },
  };
}
