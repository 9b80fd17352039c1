/**
 * Watched sessions. Each watcher subscribes first and reads then; changes, the first read and later
 * reads pass one filter (snapshot-filter.ts). A watched session is read again after the bus has
 * reconnected, after a message that cannot be used, and whenever nothing new was heard of it for
 * 20 to 30 s. A newer version that is heard says as much as one that is read.
 */

import { errorFields, type Logger } from '../log.ts';
import type { Bus } from '../redis/bus.ts';
import { errorWord } from '../redis/error-words.ts';
import { type Namespace, sessionChannel } from '../redis/keys.ts';
import { readOrNull } from '../redis/read-entry.ts';
import { changeOf, decodeChange, type PublishedChange, type WatchedState } from './published-state.ts';
import { createRereads, type RereadsOptions } from './rereads.ts';
import type { ReadSession, Snapshot } from './session-codec.ts';
import { readSnapshot } from './session-records.ts';
import type { Sessions, Watch } from './sessions.ts';
import { createSnapshotFilter } from './snapshot-filter.ts';

export interface SessionWatchesDeps {
  readonly bus: Bus;
  readonly namespace: Namespace;
  readonly readSession: ReadSession;
  readonly log: Logger;
  readonly rereadEveryMs?: number | undefined;
  readonly rereads?: RereadsOptions | undefined;
}

/** A watched session that is silent is read again this often, whatever the subscription says. */
const REREAD_EVERY_MS = 30_000;
/** After a read that failed. */
const REREAD_AGAIN_MS = 1_000;
/** How many times as often the gateway looks which are silent. */
const LOOKS = 10;

export function openSessionWatches(deps: SessionWatchesDeps): Pick<Sessions, 'watch'> & { close(): void } {
  const { bus, rereadEveryMs = REREAD_EVERY_MS } = deps;
  const watchers = new Set<Watcher>();
  const rereads = createRereads((watcher: Watcher) => watcher.reread(), deps.rereads);
  const undoReset = bus.onReset((isAffected) => rereads.addAfterReset([...watchers].filter(({ channel }) => isAffected(channel))));
  const lateTimers = new Map<Watcher, NodeJS.Timeout>();
  const timer = setInterval(() => {
    const before = performance.now() - rereadEveryMs * (1 - 1 / LOOKS); // the next look would be too late
    rereads.add([...watchers].filter(({ heardAt }) => heardAt() <= before));
  }, rereadEveryMs / LOOKS);

  function rereadLater(watcher: Watcher): void {
    if (!watchers.has(watcher) || lateTimers.has(watcher)) return;
    const late = setTimeout(() => {
      lateTimers.delete(watcher);
      rereads.add([watcher]);
    }, REREAD_AGAIN_MS);
    lateTimers.set(watcher, late);
  }

  return {
    watch(sessionId, onChange, onOlder = () => undefined) {
      const onFailed = (): void => rereadLater(watcher);
      // At a random time: all at once would hold up what is being delivered.
      const heardAt = performance.now() - Math.random() * rereadEveryMs;
      const { first, ...watcher } = openWatcher(deps, sessionId, { onChange, onOlder, onFailed }, heardAt);
      watchers.add(watcher);
      return {
        first,
        close() {
          watchers.delete(watcher);
          clearTimeout(lateTimers.get(watcher));
          lateTimers.delete(watcher);
          rereads.forget(watcher);
          watcher.close();
        },
      };
    },
    close() {
      clearInterval(timer);
      for (const late of lateTimers.values()) clearTimeout(late);
      rereads.close();
      undoReset();
      for (const watcher of watchers) watcher.silence();
      watchers.clear();
    },
  };
}

/** Without `first`, which would keep the first state. */
interface Watcher extends Omit<Watch, 'first'> {
  readonly channel: string;
  /** When it was told or read last, by `performance.now()`. */
  heardAt(): number;
  /** Never rejects. */
  reread(): Promise<void>;
  /** Nothing is told any more; the subscription stays for the bus to end. */
  silence(): void;
}

interface Listeners {
  readonly onChange: (state: WatchedState) => void;
  readonly onOlder: (told: number) => void;
  /** A later read has failed. */
  readonly onFailed: () => void;
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: all its parts share when delivery begins and ends.
function openWatcher(
  { bus, namespace, readSession, log, rereadEveryMs = REREAD_EVERY_MS }: SessionWatchesDeps,
  sessionId: string,
  { onChange, onOlder, onFailed }: Listeners,
  firstHeardAt: number,
): Watcher & Pick<Watch, 'first'> {
  let heardAt = firstHeardAt;
  /** Null until the first read has come, and after the end. */
  let deliver: ((state: WatchedState) => void) | null = null;
  let isSilent = false;
  /** Messages may have been missed since the first read was sent. */
  let isOutdated = false;
  const channel = sessionChannel(namespace, sessionId);
  const read = (): Promise<Snapshot | null> =>
    bus.readAfter(channel, (redis) => readSnapshot({ namespace, readSession }, redis, sessionId));
  const early: PublishedChange[] = [];
  const filter = createSnapshotFilter({
    deliver(state) {
      heardAt = performance.now();
      deliver?.(state);
    },
    reread: () => void reread(),
    onOlder,
  });

  async function reread(): Promise<void> {
    heardAt = performance.now() - (Math.random() * rereadEveryMs) / 4; // after a reset all are read at once, and then drift apart
    if (deliver === null) {
      isOutdated = true; // the first read is not over
      return;
    }
    try {
      const offerRead = filter.beginRead();
      const snapshot = await read();
      if (snapshot !== null && deliver !== null) offerRead(changeOf(snapshot));
    } catch (error) {
      // A listener's own fault ends here, too: nobody else would catch it.
      log.warn({ sessionId, ...errorFields(error) }, 'a watched session could not be read again');
      if (errorWord(error) === null) onFailed(); // what Redis refuses now, it refuses in a second
    }
  }

  const unsubscribe = bus.subscribe(channel, (message) => {
    // Another version of ours may have written it, or a stranger.
    const change = readOrNull(() => decodeChange(message, sessionId));
    if (change === null) log.warn({ sessionId }, 'a published change could not be read; its record is read instead');
    if (change === null) void reread();
    else if (deliver === null) early.push(change);
    else filter.offer(change);
  });

  const first = read().then((snapshot) => {
    let newest: WatchedState | null = null;
    deliver = (next) => {
      newest = next;
    };
    if (snapshot !== null) filter.beginRead()(changeOf(snapshot));
    for (const change of early.splice(0)) if (change.session.version > (snapshot?.session.version ?? 0)) filter.offer(change);
    deliver = isSilent ? null : onChange;
    heardAt = firstHeardAt;
    if (isOutdated) void reread();
    return newest;
  });

  function silence(): void {
    isSilent = true;
    deliver = null;
  }
  return {
    channel,
    heardAt: () => heardAt,
    first,
    reread,
    silence,
    close() {
      silence();
      unsubscribe();
    },
  };
}
