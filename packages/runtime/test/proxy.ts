/**
 * For fault tests: a TCP proxy on loopback. Its connections can be cut, or frozen: then they stay
 * open but carry nothing.
 */

import { connect, createServer, type Socket } from 'node:net';

export interface TestProxy {
  readonly port: number;
  /** Freezes the connections open now, in both directions and for good. Later ones work. */
  freeze(): void;
  /** Destroys the connections open now. */
  cut(): void;
  /** While refused, new connections are destroyed at once. */
  refuse(isRefused: boolean): void;
  close(): Promise<void>;
}

// One closure: its methods share the open connections.
/** @param targetPort a function is called for each connection, so later ones may lead elsewhere */
export async function openTestProxy(targetPort: number | (() => number)): Promise<TestProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let isRefused = false;
  const server = createServer((near) => {
    if (isRefused) {
      near.destroy();
      return;
    }
    const far = connect(typeof targetPort === 'number' ? targetPort : targetPort(), '127.0.0.1');
    const pair = [near, far] as const;
    pairs.add(pair);
    near.pipe(far).pipe(near);
    for (const socket of pair) {
      socket.on('error', () => undefined); // the other end sees it as a close
      socket.on('close', () => {
        pairs.delete(pair);
        near.destroy();
        far.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');

  const cut = (): void => {
    for (const [near, far] of pairs) {
      near.destroy();
      far.destroy();
    }
  };
  return {
    port: address.port,
    freeze() {
      for (const [near, far] of pairs) {
        near.unpipe(far);
        far.unpipe(near);
        near.pause();
        far.pause();
      }
    },
    cut,
    refuse(refused) {
      isRefused = refused;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      cut();
      await closed;
    },
  };
}
