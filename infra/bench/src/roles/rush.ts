/** Viewers that all connect at once, and come back as clients of the contract do. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Releasers } from '@qrcast/runtime/releasers';
import { serveRole } from '../role-process.ts';
import { BusyError, openViewerSocket } from '../viewer-socket.ts';

/** As the client gives up. */
const OPEN_WITHIN_MS = 10_000;
const BACKOFF = { baseMs: 1_000, capMs: 15_000 } as const;

export interface Returned {
  /** For each viewer: from the beginning of the rush to its first state. */
  readonly afterMs: readonly number[];
  /** Handshakes that were answered 503. */
  readonly refused: number;
  /** Handshakes that took too long, or were cut. */
  readonly failed: number;
}

export type RushMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  return {
    /** Resolves once every viewer has its first state. Viewer i uses ticket i. */
    async burst(url: string, tickets: readonly string[]): Promise<Returned> {
      const startedAt = performance.now();
      const counts = { refused: 0, failed: 0 };
      const afterMs = await Promise.all(
        tickets.map(async (ticket, index) => {
          const state = Promise.withResolvers<number>();
          const onState = (): void => state.resolve(performance.now() - startedAt);
          for (let failures = 0; ; failures++) {
            try {
              const viewer = await openViewerSocket({ url, auth: { ticket }, onState, withinMs: OPEN_WITHIN_MS });
              releasers.push(`viewer ${index}`, () => viewer.close());
              return await state.promise;
            } catch (error) {
              counts[error instanceof BusyError ? 'refused' : 'failed']++;
              const hintMs = error instanceof BusyError ? error.retryAfterMs : 0;
              await delay(hintMs + Math.random() * Math.min(BACKOFF.capMs, BACKOFF.baseMs * 2 ** failures));
            }
          }
        }),
      );
      return { afterMs, ...counts };
    },
  };
}

serveRole(createMethods);
