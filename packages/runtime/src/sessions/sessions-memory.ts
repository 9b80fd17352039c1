/** Sessions in this process's memory: the same rules without Redis, for tests of what stands on them. */

import { reduce, type SessionEvent } from '@qrcast/core/reduce';
import type { Policy } from '@qrcast/core/schedule';
import { isFinal } from '@qrcast/core/session';
import { pictureChange } from './picture-change.ts';
import type { Snapshot } from './session-codec.ts';
import type { Change, Sessions } from './sessions.ts';

interface Stored extends Snapshot {
  /** Null once the session has ended for good. */
  readonly sealed: string | null;
  /** Unix ms; unset: as long as this process lives. */
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
  const undo = new Set<() => void>();

  function storedOf(sessionId: string): Stored | undefined {
    const stored = store.sessions.get(sessionId);
    return stored?.goneAt !== undefined && stored.goneAt <= Date.now() ? undefined : stored;
  }

  const snapshotOf = (sessionId: string): Snapshot | null => {
    const stored = storedOf(sessionId);
    return stored === undefined ? null : { session: stored.session, image: stored.image };
  };

  async function change(sessionId: string, event: SessionEvent): Promise<Change | null> {
    const stored = storedOf(sessionId);
    if (stored === undefined) return null;
    const { session: before } = stored;
    const after = reduce(policy, before, event);
    if (after === before) return { before, after };
    const picture = pictureChange(before, after, event);
    const image = picture === '' ? stored.image : picture === '-' ? null : picture;
    store.sessions.set(sessionId, { ...stored, session: after, image, sealed: isFinal(after) ? null : stored.sealed });
    for (const listener of store.listeners.get(sessionId) ?? []) listener({ session: after, image });
    return { before, after };
  }

  return {
    async create(session, sealed) {
      if (store.sessions.has(session.id)) throw new Error(`session ${session.id} exists already`);
      store.sessions.set(session.id, { session, image: null, sealed });
    },

    apply: async (sessionId, event) => (await change(sessionId, event))?.after ?? null,
    change,
    current: (sessionId, now) => change(sessionId, { kind: 'elapsed', at: now }),

    find: async (sessionId) => storedOf(sessionId)?.session ?? null,
    read: async (sessionId) => snapshotOf(sessionId),
    readSealed: async (sessionId) => storedOf(sessionId)?.sealed ?? null,

    async expire(sessionId, at) {
      const stored = storedOf(sessionId);
      if (stored !== undefined) store.sessions.set(sessionId, { ...stored, goneAt: Math.min(at, stored.goneAt ?? at) });
    },

    async remove(session) {
      const stored = storedOf(session.id);
      if (stored !== undefined && stored.session.version !== session.version) return false;
      store.sessions.delete(session.id);
      return true;
    },

    watch(sessionId, onChange) {
      let gate: number | null = null;
      const listener = (snapshot: Snapshot): void => {
        if (gate === null || snapshot.session.version <= gate) return;
        gate = snapshot.session.version;
        onChange(snapshot);
      };
      const listeners = store.listeners.get(sessionId) ?? new Set();
      store.listeners.set(sessionId, listeners.add(listener));
      const close = (): void => {
        listeners.delete(listener);
        undo.delete(close);
      };
      undo.add(close);
      const first = Promise.resolve().then(() => {
        const snapshot = snapshotOf(sessionId);
        gate = snapshot?.session.version ?? 0;
        return snapshot;
      });
      return { first, close };
    },

    async close() {
      for (const close of undo) close();
    },
  };
}
