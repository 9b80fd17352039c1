/** For tests: one connection through the proxy, and what may be done to it. */

import type { Socket } from 'node:net';

export interface LineRules {
  delayMs: number;
  bytesPerSecond: number | null;
}

export interface ProxyLine {
  /** What the client called itself with Redis's `CLIENT SETNAME`, or ''. */
  name(): string;
  freeze(): void;
  thaw(): void;
  cut(): void;
  readonly closed: Promise<void>;
}

/** A client names its connection in the handshake. Later bytes are not searched. */
const HANDSHAKE_BYTES = 2_048;
const SETNAME = /\r\nsetname\r\n\$\d+\r\n([^\r]+)\r\n/i;
/** A source is paused while so much of it waits, so that a throttled peer notices. */
const HELD_BYTES = 64 * 1024;

export function createProxyLine(near: Socket, far: Socket, rules: LineRules): ProxyLine {
  let handshake = '';
  const ways = [createWay(near, far, rules), createWay(far, near, rules)];
  near.on('data', (chunk: Buffer) => {
    if (handshake.length < HANDSHAKE_BYTES) handshake += chunk.toString('latin1');
  });
  for (const socket of [near, far]) socket.on('error', () => undefined); // the other end sees it as a close
  const closed = [near, far].map((socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())));
  return {
    name: () => SETNAME.exec(handshake)?.[1] ?? '',
    freeze() {
      for (const way of ways) way.hold(true);
    },
    thaw() {
      for (const way of ways) way.hold(false);
    },
    cut() {
      for (const way of ways) way.stop();
      near.destroy();
      far.destroy();
    },
    closed: Promise.all(closed).then(() => undefined),
  };
}

interface Way {
  hold(isHeld: boolean): void;
  stop(): void;
}

/** Carries one direction: each chunk when it is due, in order, and then the end. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: its functions share what waits on this way.
function createWay(source: Socket, sink: Socket, rules: LineRules): Way {
  const waiting: { readonly chunk: Buffer; readonly dueAt: number }[] = [];
  let heldBytes = 0;
  let isHeld = false;
  let end: 'none' | 'half' | 'whole' = 'none';
  let freeAt = 0;
  let timer: NodeJS.Timeout | undefined;

  function carry(): void {
    clearTimeout(timer);
    while (!isHeld) {
      const [first] = waiting;
      if (first === undefined) break;
      const waitMs = Math.max(first.dueAt, freeAt) - performance.now();
      if (waitMs > 0) {
        timer = setTimeout(carry, waitMs);
        break;
      }
      send(first.chunk);
    }
    if (isHeld) return;
    if (heldBytes < HELD_BYTES) source.resume();
    if (waiting.length > 0) return;
    if (end === 'half') sink.end();
    if (end === 'whole') sink.destroySoon();
  }

  function send(chunk: Buffer): void {
    waiting.shift();
    heldBytes -= chunk.length;
    sink.write(chunk);
    if (rules.bytesPerSecond !== null) freeAt = performance.now() + (chunk.length / rules.bytesPerSecond) * 1_000;
  }

  source.on('data', (chunk: Buffer) => {
    waiting.push({ chunk, dueAt: performance.now() + rules.delayMs });
    heldBytes += chunk.length;
    if (heldBytes >= HELD_BYTES || sink.writableNeedDrain) source.pause();
    carry();
  });
  sink.on('drain', carry);
  source.on('end', () => {
    end = 'half';
    carry();
  });
  source.on('close', () => {
    end = 'whole';
    carry();
  });
  return {
    hold(held) {
      isHeld = held;
      if (held) source.pause();
      else carry();
    },
    stop: () => clearTimeout(timer),
  };
}
