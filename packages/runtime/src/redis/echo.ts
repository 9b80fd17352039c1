/**
 * Messages that a process publishes to itself, to see that its subscriptions work. A subscription
 * can fail silently: a half-open connection, a server that dropped it.
 */

import { randomUUID } from 'node:crypto';
import type { Meters } from '../metrics/meters.ts';
import { UselessError } from './connection-watch.ts';
import { within } from './within.ts';

export interface Echo {
  /** Handles what comes over the process's own channel. */
  received(message: string): void;
  /** Resolves when a message published now has come back. Rejects after `timeoutMs`. */
  probe(timeoutMs: number): Promise<void>;
  /** @throws {UselessError} if Redis has taken a message and it did not come back within `ms`. */
  prove(ms: number): Promise<void>;
}

/** @param publish publishes to the process's own channel */
export function createEcho(publish: (message: string) => Promise<unknown>, meters: Meters): Echo {
  const took = meters.histogram('qrcast_bus_probe_seconds', {});
  const probes = new Map<string, () => void>();

  /** Publishes a message, then awaits `coming` of its coming back. */
  async function send(coming: (back: Promise<void>) => Promise<void>): Promise<void> {
    const nonce = randomUUID();
    const { promise, resolve } = Promise.withResolvers<void>();
    probes.set(nonce, resolve);
    const sentAt = performance.now();
    try {
      await publish(nonce);
      await coming(promise);
      took.observe((performance.now() - sentAt) / 1_000);
    } finally {
      probes.delete(nonce);
    }
  }

  return {
    received: (message) => probes.get(message)?.(),
    async probe(timeoutMs) {
      const back = send((promise) => promise);
      await within(timeoutMs, back).catch((cause: unknown) => {
        throw new Error(`a message published through Redis did not come back within ${timeoutMs} ms`, { cause });
      });
    },
    async prove(ms) {
      const back = send((promise) =>
        within(ms, promise).catch(() => {
          throw new UselessError('no message');
        }),
      );
      await back.catch((error: unknown) => {
        if (error instanceof UselessError) throw error; // else the connection for commands is at fault, which has a watch of its own
      });
    },
  };
}
