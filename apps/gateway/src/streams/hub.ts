/**
 * The sessions that viewers of this gateway watch. Each has one watch, however many viewers it has,
 * and is kept alive as long as one of them looks.
 */

import { errorFields } from '@qrcast/runtime/log';
import { createThrottledWarning } from '../limits/throttled-warning.ts';
import { type Subscribe, type Subscription, WatchedSession, type WatchedSessionDeps } from './watched-session.ts';

export interface Hub {
  subscribe(options: Subscribe): Subscription;
  /** Subscriptions now. */
  size(): number;
  /** Closes the remaining subscriptions with `draining`. */
  close(): Promise<void>;
}

export interface HubDeps extends Omit<WatchedSessionDeps, 'warnLost'> {
  /** Watches are renewed this often: well within their grace period. */
  readonly renewEveryMs: number;
}

type Entries = Map<string, WatchedSession>;

/**
 * Watches are renewed slice by slice: renewing all at once would delay deliveries. A slice is whole
 * shards of the poll queue, because each shard takes a call of Redis.
 */
const RENEW_SLICES = 10;
/**
 * How often the gateway ends slow viewers, lets time pass for its sessions, in case no worker does,
 * records hidden pages, adds to timelines, and puts right what Redis has lost.
 */
const SWEEP_EVERY_MS = 1_000;

export function openHub(deps: HubDeps): Hub {
  const { log, renewEveryMs } = deps;
  const entries: Entries = new Map();
  const now = (): number => performance.now();
  const warnLost = createThrottledWarning(
    { log, now },
    'viewers name versions above those in Redis: it has lost data, or they are wrong; the sessions go on above them',
  );

  function open(sessionId: string): WatchedSession {
    const watched = new WatchedSession({ ...deps, warnLost }, sessionId, () => {
      if (entries.get(sessionId) === watched) entries.delete(sessionId);
    });
    entries.set(sessionId, watched);
    return watched;
  }

  let slice = 0;
  const renewTimer = setInterval(() => {
    slice = (slice + 1) % RENEW_SLICES;
    renewSlice(deps, entries, slice).catch((error: unknown) =>
      log.warn(errorFields(error), 'watches were not renewed; the next round tries again'),
    );
  }, renewEveryMs / RENEW_SLICES);
  let sweptAt = performance.now();
  const sweepTimer = setInterval(() => {
    const isPaused = performance.now() - sweptAt > 2 * SWEEP_EVERY_MS;
    sweptAt = performance.now();
    // After a pause of this process, what viewers have read meanwhile has not been heard yet.
    if (!isPaused) for (const watched of entries.values()) watched.endSlow(sweptAt);
    sweep(deps, entries);
  }, SWEEP_EVERY_MS);

  return {
    subscribe: (options) => (entries.get(options.sessionId) ?? open(options.sessionId)).subscribe(options),
    size: () => [...entries.values()].reduce((sum, watched) => sum + watched.viewerCount(), 0),
    async close() {
      clearInterval(renewTimer);
      clearInterval(sweepTimer);
      for (const watched of entries.values()) watched.finishAll('draining');
    },
  };
}

async function renewSlice({ watching }: HubDeps, entries: Entries, slice: number): Promise<void> {
  const visible = [...entries.values()].filter((watched) => watched.newest.shard() % RENEW_SLICES === slice && watched.isVisible());
  const missing = await watching.renew(visible.flatMap(({ newest }) => newest.polled() ?? []));
  for (const sessionId of missing) entries.get(sessionId)?.start();
  for (const watched of visible) if (watched.newest.isIdle()) watched.start();
}

function sweep({ watching, clock }: HubDeps, entries: Entries): void {
  const now = clock.now();
  for (const [sessionId, watched] of entries) {
    watched.applyHidden();
    watched.renumber();
    watched.noteDeliveries(now);
    if (!watched.newest.isElapsed(now)) continue;
    watching.current(sessionId).then(
      // Null: the record is gone, and nothing more can be told of it.
      (applied) => applied === null && entries.get(sessionId)?.finishAll('not_found'),
      () => undefined, // Redis is unreachable: tried again in a second
    );
  }
}
