/** Viewers for an hour: those of waiting sessions come and go, those of logins stay to the end. */

import type { Releasers } from '@qrcast/runtime/releasers';
import { inParallel } from '../pace.ts';
import { openReturningViewer, type ReturningViewer } from '../returning-viewer.ts';
import { serveRole } from '../role-process.ts';

const HANDSHAKES_AT_ONCE = 50;
/** Shorter and longer than the gateway's grace of 15 s, after which nobody watches the session. */
const AWAY = { leastMs: 1_000, mostMs: 30_000 } as const;
const BACK_AFTER_LOSS_MS = 1_000;

/** Since the start, of all viewers. */
export interface ViewerCounts {
  /** States and confirmations. */
  readonly told: number;
  /** Connections that a viewer did not end itself. */
  readonly lost: number;
  /** Older versions told, or codes after `connected`. */
  readonly faults: number;
  /** Viewers of waiting sessions that are there now. */
  readonly present: number;
}

export type SoakViewersMethods = ReturnType<typeof createMethods>;

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: a method for each call of the benchmark, over the same viewers.
function createMethods(releasers: Releasers) {
  const logins = new Map<string, ReturningViewer>();
  const left = { told: 0, lost: 0, faults: 0 };
  let viewers: (ReturningViewer | null)[] = [];
  let [url, tickets, opened, isOver]: [string, readonly string[], number, boolean] = ['', [], 0, false];

  function open(ticket: string): ReturningViewer {
    const wire = opened++ % 2 === 0 ? 'ws' : 'socketio';
    return openReturningViewer({ wire, urls: [url], ticket, awayMs: (_failures, hintMs) => Math.max(hintMs, BACK_AFTER_LOSS_MS) });
  }

  function leave(viewer: ReturningViewer): void {
    const { told, lost, faults } = countsOf(viewer);
    left.told += told;
    left.lost += lost;
    left.faults += faults;
    viewer.close();
  }

  /** One viewer leaves, and comes back later as a new one. */
  function swap(index: number): void {
    const viewer = viewers[index];
    if (viewer == null) return; // it is away
    leave(viewer);
    viewers[index] = null;
    const awayMs = AWAY.leastMs + Math.random() * (AWAY.mostMs - AWAY.leastMs);
    setTimeout(() => {
      if (!isOver) viewers[index] = open(tickets[index] ?? '');
    }, awayMs).unref();
  }

  return {
    /**
     * Resolves once every viewer has joined. Viewer i uses ticket i, and every other one Socket.IO.
     *
     * @param wsUrl `ws://host:port`
     */
    async connect(wsUrl: string, given: readonly string[]): Promise<void> {
      [url, tickets] = [wsUrl, given];
      viewers = tickets.map(() => null);
      releasers.push('viewers', () => {
        isOver = true;
        for (const viewer of [...viewers, ...logins.values()]) viewer?.close();
      });
      await inParallel(tickets.length, HANDSHAKES_AT_ONCE, async (index) => {
        const viewer = open(tickets[index] ?? '');
        viewers[index] = viewer;
        await viewer.joined();
      });
    },

    /** From now on, so many viewers leave each second. */
    churn(perSecond: number): void {
      const timer = setInterval(() => swap(Math.floor(Math.random() * viewers.length)), 1_000 / perSecond);
      releasers.push('churn', () => clearInterval(timer));
    },

    /** Watches a login. */
    follow: (ticket: string): void => void logins.set(ticket, open(ticket)),

    /** Ends its viewer. @returns whether it was told `connected` */
    unfollow(ticket: string): boolean {
      const viewer = logins.get(ticket);
      if (viewer === undefined) return false;
      logins.delete(ticket);
      leave(viewer);
      return viewer.isConnected();
    },

    counts(): ViewerCounts {
      const there = viewers.filter((viewer) => viewer !== null);
      const now = [...there, ...logins.values()].map(countsOf);
      const total = (of: keyof typeof left): number => now.reduce((sum, one) => sum + one[of], left[of]);
      return { told: total('told'), lost: total('lost'), faults: total('faults'), present: there.length };
    },
  };
}

function countsOf(viewer: ReturningViewer): { told: number; lost: number; faults: number } {
  const { back, late } = viewer.faults();
  const told = viewer.returns.reduce((sum, one) => sum + one.told.length, 0);
  return { told, lost: Math.max(0, viewer.returns.length - 1), faults: back + late };
}

serveRole(createMethods);
