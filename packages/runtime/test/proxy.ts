/**
 * For fault tests: a TCP proxy on loopback, in front of Redis or of anything else. It cuts, freezes,
 * delays, throttles and refuses connections, all of them or those of one role.
 *
 * A frozen connection is like one whose other end vanished: it stays open and carries nothing, not
 * even its end. The kernel takes what is written to it.
 */

import { connect, createServer } from 'node:net';
import { createProxyLine, type LineRules, type ProxyLine } from './proxy-line.ts';

/** Chooses connections by the name that their client gave them with `CLIENT SETNAME`, or ''. */
export type Which = (name: string) => boolean;

export interface TestProxy {
  readonly port: number;
  /** The names of the connections open now. */
  names(): readonly string[];
  /** Freezes the connections open now, in both directions and for good. Later ones work. */
  freeze(which?: Which): void;
  /** Freezes the connections open now and all later ones, until `thaw`. */
  freezeAll(): void;
  /** Lets every frozen connection go on, with what was held back. */
  thaw(): void;
  /** Destroys the connections open now. */
  cut(which?: Which): void;
  /** While refused, new connections are destroyed at once. */
  refuse(isRefused: boolean): void;
  /** Everything arrives `ms` later, in each direction. 0 ends this. */
  delay(ms: number): void;
  /** Each direction of each connection carries at most so much. Null ends this. */
  throttle(bytesPerSecond: number | null): void;
  /** Later connections lead to this port. */
  repoint(port: number): void;
  close(): Promise<void>;
}

const ALL: Which = () => true;

/** @param targetPort a function is called for each connection, so later ones may lead elsewhere */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: its methods share the open connections.
export async function openTestProxy(targetPort: number | (() => number)): Promise<TestProxy> {
  const lines = new Set<ProxyLine>();
  const rules: LineRules = { delayMs: 0, bytesPerSecond: null };
  let target = targetPort;
  let isRefused = false;
  let isFrozen = false;
  const server = createServer((near) => {
    if (isRefused) {
      near.destroy();
      return;
    }
    const far = connect(typeof target === 'number' ? target : target(), '127.0.0.1');
    const line = createProxyLine(near, far, rules);
    lines.add(line);
    if (isFrozen) line.freeze();
    void line.closed.then(() => lines.delete(line));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');

  const chosen = (which: Which): readonly ProxyLine[] => [...lines].filter((line) => which(line.name()));
  const cut = (which = ALL): void => {
    for (const line of chosen(which)) line.cut();
  };
  return {
    port: address.port,
    names: () => [...lines].map((line) => line.name()),
    freeze(which = ALL) {
      for (const line of chosen(which)) line.freeze();
    },
    freezeAll() {
      isFrozen = true;
      for (const line of lines) line.freeze();
    },
    thaw() {
      isFrozen = false;
      for (const line of lines) line.thaw();
    },
    cut,
    refuse(refused) {
      isRefused = refused;
    },
    delay(ms) {
      rules.delayMs = ms;
    },
    throttle(bytesPerSecond) {
      rules.bytesPerSecond = bytesPerSecond;
    },
    repoint(port) {
      target = port;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      cut();
      await closed;
    },
  };
}
