/** Viewers that connect, get their first state, stay for a moment and leave. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Releasers } from '@qrcast/runtime/releasers';
import { type Spread, spreadOf } from '../measure.ts';
import { pace } from '../pace.ts';
import { serveRole } from '../role-process.ts';
import { type Over, openViewerSocket, type ViewerSocket } from '../viewer-socket.ts';

const STAY_MS = 300;
/** As the client gives up. */
const STATE_WITHIN_MS = 10_000;

export interface Connected {
  /** From just before the connect to the first state, ms. */
  readonly firstState: Spread;
  /** Connects that were refused or cut, or got no state in time. */
  readonly failed: number;
}

export type ConnectingViewersMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  const open = new Set<ViewerSocket>();
  releasers.push('viewers', () => {
    for (const viewer of open) viewer.close();
  });

  async function visit(url: string, over: Over, ticket: string): Promise<number> {
    const state = Promise.withResolvers<number>();
    const startedAt = performance.now();
    const onState = (): void => state.resolve(performance.now() - startedAt);
    const viewer = await openViewerSocket({ url, over, auth: { ticket }, onState, withinMs: STATE_WITHIN_MS });
    open.add(viewer);
    const timer = setTimeout(() => state.reject(new Error('no state came in time')), STATE_WITHIN_MS);
    try {
      const afterMs = await state.promise;
      await delay(STAY_MS);
      return afterMs;
    } finally {
      clearTimeout(timer);
      open.delete(viewer);
      viewer.close();
    }
  }

  return {
    /** Connects with each ticket once, `perSecond` a second. Resolves once all have left. */
    async run(url: string, over: Over, tickets: readonly string[], perSecond: number): Promise<Connected> {
      const visits: Promise<number | null>[] = [];
      await pace(perSecond, tickets.length / perSecond, () => {
        const ticket = tickets[visits.length] ?? '';
        visits.push(visit(url, over, ticket).catch(() => null)); // counted as failed
      });
      const all = await Promise.all(visits);
      const firstStates = all.filter((afterMs) => afterMs !== null);
      return { firstState: spreadOf(firstStates), failed: all.length - firstStates.length };
    },
  };
}

serveRole(createMethods);
