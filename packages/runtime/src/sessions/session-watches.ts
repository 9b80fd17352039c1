/**
 * Watched sessions. Each watcher subscribes first and reads then; changes, the first read and later
 * reads pass one gate (session-gate.ts). A watched session is read again after the bus has
 * reconnected, after a message that cannot be used, and every 30 s in any case.
 */

import { errorFields, type Logger } from '../log.ts';
import type { Bus } from '../redis/bus.ts';
import { type Namespace, sessionChannel } from '../redis/keys.ts';
import { decodeChange, type Snapshot } from './session-codec.ts';
import { createGate } from './session-gate.ts';
import { readSnapshot } from './session-records.ts';
import type { Sessions, Watch } from './sessions.ts';

export interface SessionWatchesDeps {
  readonly bus: Bus;
  readonly namespace: Namespace;
  readonly log: Logger;
  readonly rereadEveryMs?: number | undefined;
}

/** Watched sessions are read again this often, whatever the subscription says. */
const REREAD_EVERY_MS = 30_000;
/** A tenth of them at a time: all at once would hold up what is being delivered. */
const REREAD_SLICES = 10;
/** After a reconnect all are read, this many at once. */
const REREAD_BATCH = 200;

export function openSessionWatches(deps: SessionWatchesDeps): Pick<Sessions, 'watch'> & { close(): void } {
  const { bus, rereadEveryMs = REREAD_EVERY_MS } = deps;
  const watchers = new Set<Watcher>();
  const undoReset = bus.onReset(() => rereadAll(watchers));
  let slice = 0;
  const timer = setInterval(() => {
    slice = (slice + 1) % REREAD_SLICES;
    for (const watcher of watchers) if (watcher.slice === slice) watcher.reread();
  }, rereadEveryMs / REREAD_SLICES);

  return {
    watch(sessionId, onChange) {
      const watcher = openWatcher(deps, sessionId, onChange, watchers.size % REREAD_SLICES);
      watchers.add(watcher);
      return {
        first: watcher.first,
        close() {
          watchers.delete(watcher);
          watcher.close();
        },
      };
    },
    close() {
      clearInterval(timer);
      undoReset();
      for (const watcher of watchers) watcher.silence();
      watchers.clear();
    },
  };
}

function rereadAll(watchers: ReadonlySet<Watcher>): void {
  const all = [...watchers];
  for (let i = 0; i < all.length; i += REREAD_BATCH) {
    setImmediate(() => {
      for (const watcher of all.slice(i, i + REREAD_BATCH)) watcher.reread();
    });
  }
}

interface Watcher extends Watch {
  readonly slice: number;
  reread(): void;
  /** Nothing is told any more; the subscription stays for the bus to end. */
  silence(): void;
}

/** In one piece, because all its parts share when delivery begins and ends. */
function openWatcher(
  { bus, namespace, log }: SessionWatchesDeps,
  sessionId: string,
  onChange: (snapshot: Snapshot) => void,
  slice: number,
): Watcher {
  /** Null until the first read has come, and after the end. */
  let deliver: ((snapshot: Snapshot) => void) | null = null;
  let isSilent = false;
  const early: Snapshot[] = [];
  const gate = createGate((snapshot) => deliver?.(snapshot), reread);

  function reread(): void {
    readSnapshot(bus.connection, namespace, sessionId)
      .then((snapshot) => snapshot !== null && deliver !== null && gate.offerRead(snapshot))
      // A listener's own fault ends here, too: nobody else would catch it.
      .catch((error: unknown) => log.warn({ sessionId, ...errorFields(error) }, 'a watched session could not be read again'));
  }

  const unsubscribe = bus.subscribe(sessionChannel(namespace, sessionId), (message) => {
    const change = decoded(message, sessionId);
    if (change === null) log.warn({ sessionId }, 'a published change could not be read; its record is read instead');
    if (deliver === null) return void (change !== null && early.push(change));
    if (change === null) reread();
    else gate.offer(change);
  });

  const first = readSnapshot(bus.connection, namespace, sessionId).then((snapshot) => {
    const passed: Snapshot[] = [];
    deliver = (next) => passed.push(next);
    if (snapshot !== null) gate.offerRead(snapshot);
    for (const change of early.splice(0)) gate.offer(change);
    deliver = isSilent ? null : onChange;
    return passed.at(-1) ?? null;
  });

  function silence(): void {
    isSilent = true;
    deliver = null;
  }
  return {
    slice,
    first,
    reread,
    silence,
    close() {
      silence();
      unsubscribe();
    },
  };
}

/** Null if the message is of no use: another version of ours may have written it, or a stranger. */
function decoded(message: string, sessionId: string): Snapshot | null {
  try {
    return decodeChange(message, sessionId);
  } catch {
    return null;
  }
}
