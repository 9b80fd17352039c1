/**
 * Sessions in this process's memory: the same rules without Redis, for tests of modules that use
 * `Sessions`.
 */

import { reduce, type SessionEvent } from '@qrcast/core/reduce';
import { renumber } from '@qrcast/core/renumber';
import type { Policy } from '@qrcast/core/schedule';
import { isFinal, type Session } from '@qrcast/core/session';
import { decodeTimeline, encodeChange, type Timeline } from '@qrcast/core/timeline';
import { Picture } from './picture.ts';
import { pictureChange } from './picture-change.ts';
import { changeOf, type WatchedState } from './published-state.ts';
import type { Snapshot } from './session-codec.ts';
import type { Change, Sessions, Watch } from './sessions.ts';

interface Stored extends Snapshot {
  /** Null once the session has ended for good. */
  readonly sealed: string | null;
  /** Lines of the timeline, all of them. */
  readonly lines: readonly string[];
  /** When the record is deleted, Unix ms. Unset: never. */
  readonly goneAt?: number;
}

/** What several `Sessions` share, as processes share a Redis. */
export interface MemoryStore {
  readonly sessions: Map<string, Stored>;
  readonly listeners: Map<string, Set<(snapshot: Snapshot) => void>>;
}

export function createMemoryStore(): MemoryStore {
  return { sessions: new Map(), listeners: new Map() };
}

export function openMemorySessions(store: MemoryStore, policy: Policy): Sessions {
  const watches = new Set<Watch>();
  const storedOf = (sessionId: string): Stored | undefined => storedIn(store, sessionId);

  async function change(sessionId: string, event: SessionEvent): Promise<Change | null> {
    return changeIn(store, sessionId, event, (session) => reduce(policy, session, event));
  }

  return {
    async create(session, sealed) {
      if (store.sessions.has(session.id)) throw new Error(`session ${session.id} exists already`);
      store.sessions.set(session.id, { session, image: null, sealed, lines: [] });
    },

    apply: async (sessionId, event) => (await change(sessionId, event))?.after ?? null,
    change,
    current: (sessionId, now) => change(sessionId, { kind: 'elapsed', at: now }),

    renumber: async (sessionId, told, at) => changeIn(store, sessionId, null, (session) => renumber(session, told, at))?.after ?? null,

    exists: async (sessionId) => storedOf(sessionId) !== undefined,
    find: async (sessionId) => storedOf(sessionId)?.session ?? null,
    read: async (sessionId) => snapshotIn(store, sessionId),
    readSealed: async (sessionId) => storedOf(sessionId)?.sealed ?? null,
    timeline: async (sessionId) => timelineIn(store, sessionId),
    addToTimeline: async (sessionId, line) => addLineIn(store, sessionId, line),

    expire: async (sessionId, at) => expireIn(store, sessionId, at),
    remove: async (session) => removeIn(store, session),

    watch(sessionId, onChange) {
      const watch = watchIn(store, sessionId, onChange);
      watches.add(watch);
      const close = (): void => {
        watches.delete(watch);
        watch.close();
      };
      return { first: watch.first, close };
    },

    async close() {
      for (const watch of watches) watch.close();
    },
  };
}

function storedIn(store: MemoryStore, sessionId: string): Stored | undefined {
  const stored = store.sessions.get(sessionId);
  return stored?.goneAt !== undefined && stored.goneAt <= Date.now() ? undefined : stored;
}

function snapshotIn(store: MemoryStore, sessionId: string): Snapshot | null {
  const stored = storedIn(store, sessionId);
  return stored === undefined ? null : { session: stored.session, image: stored.image };
}

function changeIn(store: MemoryStore, sessionId: string, event: SessionEvent | null, next: (session: Session) => Session): Change | null {
  const stored = storedIn(store, sessionId);
  if (stored === undefined) return null;
  const { session: before } = stored;
  const after = next(before);
  if (after === before) return { before, after };
  const picture = pictureChange(before, after, event);
  const image = picture === '' ? stored.image : picture === '-' ? null : picture;
  store.sessions.set(sessionId, { ...stored, session: after, image, sealed: isFinal(after) ? null : stored.sealed });
  if (event !== null) addLineIn(store, sessionId, encodeChange(before, after, event));
  for (const listener of store.listeners.get(sessionId) ?? []) listener({ session: after, image });
  return { before, after };
}

function addLineIn(store: MemoryStore, sessionId: string, line: string): void {
  const stored = storedIn(store, sessionId);
  if (stored !== undefined && line !== '') store.sessions.set(sessionId, { ...stored, lines: [...stored.lines, line] });
}

function timelineIn(store: MemoryStore, sessionId: string): Timeline | null {
  const stored = storedIn(store, sessionId);
  return stored === undefined ? null : decodeTimeline(stored.session, stored.lines.join('\n'));
}

function expireIn(store: MemoryStore, sessionId: string, at: number): void {
  const stored = storedIn(store, sessionId);
  if (stored !== undefined) store.sessions.set(sessionId, { ...stored, goneAt: Math.min(at, stored.goneAt ?? at) });
}

function removeIn(store: MemoryStore, session: Session): boolean {
  const stored = storedIn(store, session.id);
  if (stored !== undefined && stored.session.version !== session.version) return false;
  store.sessions.delete(session.id);
  return true;
}

function watchIn(store: MemoryStore, sessionId: string, onChange: (state: WatchedState) => void): Watch {
  const watchedState = createWatchedState();
  /** The version told last; null until the first snapshot is told. */
  let version: number | null = null;
  const listener = (snapshot: Snapshot): void => {
    if (version === null || snapshot.session.version <= version) return;
    version = snapshot.session.version;
    onChange(watchedState(snapshot));
  };
  const listeners = store.listeners.get(sessionId) ?? new Set();
  store.listeners.set(sessionId, listeners.add(listener));
  const first = Promise.resolve().then(() => {
    const snapshot = snapshotIn(store, sessionId);
    version = snapshot?.session.version ?? 0;
    return snapshot && watchedState(snapshot);
  });
  return { first, close: () => void listeners.delete(listener) };
}

/** Each picture is written over the one before, as it is with Redis. */
function createWatchedState(): (snapshot: Snapshot) => WatchedState {
  const picture = new Picture('');
  return (snapshot) => {
    if (snapshot.image !== null) picture.write(snapshot.image);
    return { ...changeOf(snapshot), image: snapshot.image === null ? null : picture };
  };
}
