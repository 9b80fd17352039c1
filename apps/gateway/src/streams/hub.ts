/**
 * The sessions this gateway's viewers watch: one watch per session however many viewers, kept alive as long as one of them looks. What each
 * viewer is told, and when, is its delivery's business.
 */

import type { CloseReason } from '@qrcast/core/close-codes';
import { isPolled, nextElapseAt } from '@qrcast/core/session';
import { ALL_FORMATS, type Format, type WireSession } from '@qrcast/core/wire';
import { errorFields, type Logger } from '@qrcast/runtime/log';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { Snapshot } from '@qrcast/runtime/sessions/session-codec';
import type { Sessions, Watch } from '@qrcast/runtime/sessions/sessions';
import type { Principal } from '../auth/auth.ts';
import type { ViewerCounts } from '../sessions/visible-viewers.ts';
import type { Watching } from '../sessions/watching.ts';
import { createDelivery, createTelling, type Delivery, type Sink, type Telling } from './delivery.ts';

export interface Subscribe {
  readonly sessionId: string;
  /** Who watches. One connection may have tickets of several tenants. */
  readonly by: Principal;
  readonly sink: Sink;
  readonly formats?: readonly Format[] | undefined;
  /** A version the viewer has; an equal or older state is not sent. */
  readonly after?: number | undefined;
  /** Whether it counts as watching from the start; a hidden tab does not. */
  readonly isVisible?: boolean;
}

export interface Subscription {
  /** The state at the start, as it was (or, for `after`, would have been) sent; null if there is no such session. */
  readonly first: Promise<WireSession | null>;
  setVisible(isVisible: boolean): void;
  /** Idempotent. */
  close(): void;
}

export interface Hub {
  subscribe(options: Subscribe): Subscription;
  /** Subscriptions now. */
  size(): number;
  /** Closes what is left with `draining`. */
  close(): Promise<void>;
}

export interface HubDeps {
  readonly sessions: Sessions;
  readonly watching: Watching;
  readonly viewerCounts: ViewerCounts;
  readonly clock: Clock;
  readonly log: Logger;
  /** Watches are renewed this often: well within their grace. */
  readonly renewEveryMs: number;
}

const RENEW_SLICES = 10;
/** How often time alone is given a chance to change a watched session, for when no worker does, and hidden pages are told. */
const SWEEP_EVERY_MS = 1_000;

interface Viewer {
  readonly delivery: Delivery;
  readonly sink: Sink;
  isVisible: boolean;
  isOpen: boolean;
}

interface Entry {
  readonly sessionId: string;
  readonly slice: number;
  readonly viewers: Set<Viewer>;
  readonly watch: Watch;
  readonly ready: Promise<Snapshot | null>;
  snapshot: Snapshot | null;
  viewerCount: number;
  /** All who watch have hidden the page, so far as was counted; told with the next sweep. */
  isHidden: boolean;
}

export function openHub({ sessions, watching, viewerCounts, clock, log, renewEveryMs }: HubDeps): Hub {
  const entries = new Map<string, Entry>();

  function entryOf(sessionId: string): Entry {
    const known = entries.get(sessionId);
    if (known !== undefined) return known;
    const watch = sessions.watch(sessionId, (snapshot) => change(entry, snapshot));
    const ready = watch.first.then((snapshot) => {
      entry.snapshot ??= snapshot;
      return snapshot;
    });
    const entry: Entry = {
      sessionId,
      slice: entries.size % RENEW_SLICES,
      viewers: new Set(),
      watch,
      ready,
      snapshot: null,
      viewerCount: 0,
      isHidden: false,
    };
    entries.set(sessionId, entry);
    return entry;
  }

  function change(entry: Entry, snapshot: Snapshot): void {
    entry.snapshot = snapshot;
    // Taken for unwatched, as by a lapsed lease, while somebody here watches after all.
    const { state, isUnwatched } = snapshot.session;
    if ((state.kind === 'idle' || isUnwatched) && visibleCount(entry) > 0) start(entry);
    const telling = tell(entry, snapshot);
    for (const { delivery } of entry.viewers) delivery.offer(telling);
  }

  const tell = (entry: Entry, snapshot: Snapshot): Telling => createTelling(snapshot, entry.viewerCount, clock.now());

  function addViewer(entry: Entry, { sink, formats = ALL_FORMATS, after = 0, isVisible = true }: Subscribe): Viewer {
    const latest = (): Telling | null => entry.snapshot && tell(entry, entry.snapshot);
    const delivery = createDelivery({ sink, formats, after, latest, onEnd: (reason) => finish(entry, viewer, reason) });
    const viewer: Viewer = { delivery, sink, isVisible, isOpen: true };
    entry.viewers.add(viewer);
    if (isVisible) {
      entry.viewerCount = Math.max(entry.viewerCount, visibleCount(entry));
      report(entry);
    }
    return viewer;
  }

  function finish(entry: Entry, viewer: Viewer, reason: CloseReason): void {
    if (!viewer.isOpen) return;
    drop(entry, viewer);
    viewer.sink.close(reason);
  }

  /** Its record is gone: nothing more can be told of it. */
  function finishAll(sessionId: string): void {
    const entry = entries.get(sessionId);
    for (const viewer of entry?.viewers ?? []) if (entry !== undefined) finish(entry, viewer, 'not_found');
  }

  function drop(entry: Entry, viewer: Viewer): void {
    if (!viewer.isOpen) return;
    viewer.isOpen = false;
    viewer.delivery.close();
    entry.viewers.delete(viewer);
    if (viewer.isVisible) report(entry);
    if (entry.viewers.size > 0) return;
    entry.watch.close();
    if (entries.get(entry.sessionId) === entry) entries.delete(entry.sessionId);
  }

  function start(entry: Entry): void {
    watching.start(entry.sessionId).catch((error: unknown) => {
      log.warn({ sessionId: entry.sessionId, ...errorFields(error) }, 'a watched session was not started; the next renewal tries again');
    });
  }

  function report(entry: Entry): void {
    viewerCounts.report(entry.sessionId, visibleCount(entry)).then(
      (sum) => {
        entry.viewerCount = sum;
        entry.isHidden = sum === 0 && entry.viewers.size > 0;
      },
      () => undefined, // Redis is out: the connection reports itself, and the next renewal counts again
    );
  }

  /**
   * Nobody looks, over all gateways, but somebody here has the page in the background. Viewers who left altogether have the grace to come back.
   * Told once a second at most, for a client may switch as fast as it likes.
   */
  function tellHidden(entry: Entry): void {
    if (!entry.isHidden || visibleCount(entry) > 0) return;
    entry.isHidden = false;
    const session = entry.snapshot?.session;
    if (session === undefined || !isPolled(session) || session.isUnwatched) return;
    watching.apply(entry.sessionId, { kind: 'hidden', at: clock.now() }).catch((error: unknown) => {
      log.warn({ sessionId: entry.sessionId, ...errorFields(error) }, 'a hidden session was not noted; its watch ends with the grace');
    });
  }

  /** One slice of the watches at a time: all at once would hold up what is being delivered. */
  async function renewSlice(slice: number): Promise<void> {
    const watched = [...entries.values()].filter((entry) => entry.slice === slice && visibleCount(entry) > 0);
    for (const entry of watched) report(entry);
    const missing = await watching.renew(watched.flatMap(({ snapshot }) => (snapshot === null ? [] : [snapshot.session])));
    for (const sessionId of missing) {
      const entry = entries.get(sessionId);
      if (entry !== undefined) start(entry);
    }
    for (const entry of watched) if (entry.snapshot?.session.state.kind === 'idle') start(entry);
  }

  function sweep(): void {
    const now = clock.now();
    for (const entry of entries.values()) {
      tellHidden(entry);
      const { sessionId, snapshot } = entry;
      if (snapshot === null || now < nextElapseAt(snapshot.session)) continue;
      watching.current(sessionId, { remembered: snapshot.session }).then(
        (session) => session === null && finishAll(sessionId),
        () => undefined, // Redis is out: again in a second
      );
    }
  }

  let turn = 0;
  const renewTimer = setInterval(() => {
    turn = (turn + 1) % RENEW_SLICES;
    renewSlice(turn).catch((error: unknown) => log.warn(errorFields(error), 'watches were not renewed; the next round does'));
  }, renewEveryMs / RENEW_SLICES);
  const sweepTimer = setInterval(sweep, SWEEP_EVERY_MS);

  return {
    subscribe(options) {
      const entry = entryOf(options.sessionId);
      const viewer = addViewer(entry, options);
      const first = entry.ready.then(
        (snapshot) => {
          if (snapshot === null || entry.snapshot === null) {
            drop(entry, viewer);
            return null;
          }
          const telling = tell(entry, entry.snapshot);
          const isLive = isPolled(telling.session) || telling.session.state.kind === 'idle';
          if (viewer.isVisible && viewer.isOpen && isLive) start(entry);
          // A tab that was hidden comes back as another stream, over transports that say so at their start.
          if (!viewer.isVisible && isPolled(telling.session) && !telling.session.isUnwatched) report(entry);
          viewer.delivery.offer(telling);
          return telling.whole(options.formats ?? ALL_FORMATS).session;
        },
        (error: unknown) => {
          drop(entry, viewer);
          throw error;
        },
      );
      return {
        first,
        setVisible(visible) {
          if (viewer.isVisible === visible || !viewer.isOpen) return;
          viewer.isVisible = visible;
          report(entry);
          if (visible) start(entry);
        },
        close: () => drop(entry, viewer),
      };
    },

    size: () => [...entries.values()].reduce((sum, { viewers }) => sum + viewers.size, 0),

    async close() {
      clearInterval(renewTimer);
      clearInterval(sweepTimer);
      for (const entry of entries.values()) for (const viewer of entry.viewers) finish(entry, viewer, 'draining');
    },
  };
}

function visibleCount(entry: Entry): number {
  let count = 0;
  for (const viewer of entry.viewers) if (viewer.isVisible) count++;
  return count;
}
