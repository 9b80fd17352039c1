/**
 * The sessions this gateway's viewers watch: one watch per session however many viewers, and latest-wins delivery to each of them.
 *
 * Delivery is by credit: at most one message of a subscription is under way. While it is, newer states replace each other; when the sink
 * says it has gone out, the newest is sent. So a slow reader holds one message and skips versions, and nobody waits for it. A viewer that
 * needs longer than `SEND_WITHIN_MS` for one message is closed.
 */

import type { CloseReason } from '@qrcast/core/close-codes';
import { isFinal, isPolled, nextElapseAt } from '@qrcast/core/session';
import { ALL_FORMATS, type Format, type Fresh, owed, toWire, type WireSession } from '@qrcast/core/wire';
import type { Clock } from '@qrcast/runtime/clock';
import { errorFields, type Logger } from '@qrcast/runtime/log';
import type { Snapshot } from '@qrcast/runtime/session-codec';
import type { Sessions, Watch } from '@qrcast/runtime/sessions';
import type { ViewerCounts } from './viewer-counts.ts';
import type { Watching } from './watching.ts';

export type ViewerMessage = { readonly kind: 'session'; readonly session: WireSession } | { readonly kind: 'fresh'; readonly fresh: Fresh };

/** The outgoing half of one subscription, whatever the transport. */
export interface Sink {
  /** `sent` is to be called once, when the message has left for good and another may follow. */
  send(message: ViewerMessage, sent: () => void): void;
  /** The subscription is over; nothing follows. */
  close(reason: CloseReason): void;
}

export interface Subscribe {
  readonly sessionId: string;
  readonly sink: Sink;
  readonly formats?: readonly Format[];
  /** A version the viewer has; an equal or older state is not sent. */
  readonly after?: number;
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

export const SEND_WITHIN_MS = 15_000;
const RENEW_SLICES = 10;
/** How often time alone is given a chance to change a watched session, for when no worker does. */
const ELAPSE_EVERY_MS = 1_000;

interface Viewer {
  readonly sink: Sink;
  readonly formats: readonly Format[];
  isVisible: boolean;
  isOpen: boolean;
  /** Version it was told last. */
  told: number;
  /** The code it was shown last: only that one can be confirmed by `fresh`. */
  shown: string | null;
  sending: NodeJS.Timeout | null;
}

interface Entry {
  readonly sessionId: string;
  readonly slice: number;
  readonly viewers: Set<Viewer>;
  readonly watch: Watch;
  readonly ready: Promise<Snapshot | null>;
  snapshot: Snapshot | null;
  viewerCount: number;
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
    };
    entries.set(sessionId, entry);
    return entry;
  }

  function change(entry: Entry, snapshot: Snapshot): void {
    entry.snapshot = snapshot;
    // Idled for a lapsed lease while somebody here watches after all.
    if (snapshot.session.state.kind === 'idle' && visibleCount(entry) > 0) start(entry);
    const encoded = new Map<string, WireSession>();
    for (const viewer of entry.viewers) deliver(entry, viewer, encoded);
  }

  /** Sends the viewer what it is owed, unless a message is under way. `encoded` shares one message among the viewers of one change. */
  function deliver(entry: Entry, viewer: Viewer, encoded: Map<string, WireSession> | null): void {
    const { snapshot } = entry;
    if (snapshot === null || viewer.sending !== null || !viewer.isOpen) return;
    const { session } = snapshot;
    const digest = session.state.kind === 'showing' ? session.state.code.digest : null;
    const debt = owed(session, viewer.told);
    viewer.told = Math.max(viewer.told, session.version);
    // A Redis that lost its last writes can bring another code under a version that counts as told: then the whole state is owed.
    if (debt === 'session' || (debt === 'fresh' && viewer.shown !== digest)) {
      viewer.shown = digest;
      send(entry, viewer, { kind: 'session', session: encode(entry, snapshot, viewer.formats, encoded) });
    } else if (debt === 'fresh' && session.state.kind === 'showing') {
      send(entry, viewer, { kind: 'fresh', fresh: { id: session.id, version: session.version, staleAt: session.state.code.staleAt } });
    } else if (isFinal(session)) {
      finish(entry, viewer, 'done');
    }
  }

  function encode(
    entry: Entry,
    { session, image }: Snapshot,
    formats: readonly Format[],
    encoded: Map<string, WireSession> | null,
  ): WireSession {
    const key = formats.join();
    const shared = encoded?.get(key);
    if (shared !== undefined) return shared;
    const wire = toWire(session, { image, viewers: entry.viewerCount, now: clock.now(), formats });
    encoded?.set(key, wire);
    return wire;
  }

  function send(entry: Entry, viewer: Viewer, message: ViewerMessage): void {
    const sending = setTimeout(() => finish(entry, viewer, 'slow_consumer'), SEND_WITHIN_MS);
    viewer.sending = sending;
    viewer.sink.send(message, () => {
      if (viewer.sending !== sending) return; // of another message, or said twice
      clearTimeout(sending);
      viewer.sending = null;
      deliver(entry, viewer, null);
    });
  }

  function finish(entry: Entry, viewer: Viewer, reason: CloseReason): void {
    if (!viewer.isOpen) return;
    drop(entry, viewer);
    viewer.sink.close(reason);
  }

  function drop(entry: Entry, viewer: Viewer): void {
    if (!viewer.isOpen) return;
    viewer.isOpen = false;
    if (viewer.sending !== null) clearTimeout(viewer.sending);
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
      },
      () => undefined, // Redis is out: the connection reports itself, and the next renewal counts again
    );
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

  function elapseAll(): void {
    const now = clock.now();
    for (const { sessionId, snapshot } of entries.values()) {
      if (snapshot === null || now < nextElapseAt(snapshot.session)) continue;
      watching.apply(sessionId, { kind: 'elapsed', at: now }).catch(() => undefined); // Redis is out: again in a second
    }
  }

  let turn = 0;
  const renewTimer = setInterval(() => {
    turn = (turn + 1) % RENEW_SLICES;
    renewSlice(turn).catch((error: unknown) => log.warn(errorFields(error), 'watches were not renewed; the next round does'));
  }, renewEveryMs / RENEW_SLICES);
  const elapseTimer = setInterval(elapseAll, ELAPSE_EVERY_MS);

  return {
    subscribe({ sessionId, sink, formats = ALL_FORMATS, after = 0, isVisible = true }) {
      const entry = entryOf(sessionId);
      const viewer: Viewer = { sink, formats, isVisible, isOpen: true, told: after, shown: null, sending: null };
      entry.viewers.add(viewer);
      if (isVisible) {
        entry.viewerCount = Math.max(entry.viewerCount, visibleCount(entry));
        report(entry);
      }

      const first = entry.ready.then(
        (snapshot) => {
          if (snapshot === null || entry.snapshot === null) {
            drop(entry, viewer);
            return null;
          }
          const wire = encode(entry, entry.snapshot, formats, null);
          if (viewer.isVisible && viewer.isOpen && (isPolled(entry.snapshot.session) || wire.state === 'idle')) start(entry);
          deliver(entry, viewer, null);
          return wire;
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
      clearInterval(elapseTimer);
      for (const entry of entries.values()) for (const viewer of entry.viewers) finish(entry, viewer, 'draining');
    },
  };
}

function visibleCount(entry: Entry): number {
  let count = 0;
  for (const viewer of entry.viewers) if (viewer.isVisible) count++;
  return count;
}
