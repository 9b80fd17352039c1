/** Thousands of viewers that lose their connections and come back. */

import type { Releasers } from '@qrcast/runtime/releasers';
import { inParallel } from '../pace.ts';
import { openReturningViewer, type Return, type ReturningViewer } from '../returning-viewer.ts';
import { serveRole } from '../role-process.ts';

const HANDSHAKES_AT_ONCE = 50;
const LOOK_EVERY_MS = 50;
/** PROTOCOL.md, section 7: full jitter, with the gateway's hint as floor. */
const MOST_AWAY_MS = 15_000;
const FIRST_AWAY_MS = 1_000;

export interface Ending {
  readonly connected: number;
  /** The newest version of each viewer. */
  readonly versions: readonly number[];
  readonly back: number;
  readonly late: number;
}

/** A return of the viewer with this index. */
export type Returned = Return & { readonly viewer: number };

export type ReturningViewersMethods = ReturnType<typeof createMethods>;

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: a method for each call of the benchmark, over the same viewers.
function createMethods(releasers: Releasers) {
  const viewers: ReturningViewer[] = [];
  let cutting: NodeJS.Timeout | undefined;
  releasers.push('cutting', () => clearTimeout(cutting));

  return {
    /**
     * Resolves once every viewer has joined. Viewer i uses ticket i mod their number, and begins at
     * gateway i mod theirs.
     *
     * @param awayMs how long a viewer stays away; null: as PROTOCOL.md says
     */
    async connect(urls: readonly string[], tickets: readonly string[], count: number, awayMs: number | null): Promise<void> {
      const away = (failures: number, hintMs: number): number =>
        awayMs ?? hintMs + Math.random() * Math.min(MOST_AWAY_MS, FIRST_AWAY_MS * 2 ** failures);
      await inParallel(count, HANDSHAKES_AT_ONCE, async (index) => {
        const from = index % urls.length;
        const viewer = openReturningViewer({
          wire: index % 4 < 2 ? 'socketio' : 'ws',
          urls: [...urls.slice(from), ...urls.slice(0, from)],
          ticket: tickets[index % tickets.length] ?? '',
          awayMs: away,
        });
        viewers[index] = viewer;
        releasers.push(`viewer ${index}`, () => viewer.close());
        await viewer.joined();
      });
    },

    /** Cuts each viewer once in about `everyMs`, each at its own moments, for `seconds`. */
    async cut(everyMs: number, seconds: number): Promise<void> {
      const endsAt = performance.now() + seconds * 1_000;
      await new Promise<void>((resolve) => {
        const look = (): void => {
          for (const viewer of viewers) if (viewer.hasJoined() && Math.random() < LOOK_EVERY_MS / everyMs) viewer.cut();
          if (performance.now() < endsAt) cutting = setTimeout(look, LOOK_EVERY_MS);
          else resolve();
        };
        look();
      });
    },

    /** Resolves to how many are missing, at the latest after `withinMs`. */
    missing: (of: 'joined' | 'connected', withinMs: number): Promise<number> =>
      untilNone(() => viewers.filter((viewer) => !(of === 'joined' ? viewer.hasJoined() : viewer.isConnected())).length, withinMs),

    /** The returns since the first connection. */
    returns: (): readonly Returned[] => viewers.flatMap(({ returns }, viewer) => returns.slice(1).map((one) => ({ ...one, viewer }))),

    ending(): Ending {
      const faults = viewers.map((viewer) => viewer.faults());
      return {
        connected: viewers.filter((viewer) => viewer.isConnected()).length,
        versions: viewers.map((viewer) => viewer.version()),
        back: faults.reduce((sum, one) => sum + one.back, 0),
        late: faults.reduce((sum, one) => sum + one.late, 0),
      };
    },
  };
}

async function untilNone(count: () => number, withinMs: number): Promise<number> {
  const endsAt = performance.now() + withinMs;
  while (count() > 0 && performance.now() < endsAt) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  return count();
}

serveRole(createMethods);
