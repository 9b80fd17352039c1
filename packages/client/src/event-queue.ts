/**
 * The events that a slow reader of a watch has not read yet: at most the newest state, the newest
 * connection and the `final` event. The next state replaces an unread one. If the unread one was a
 * `session`, the newer one is reported as `session` too, not as `fresh` or `stale`.
 */

import type { WatchEvent } from './types.ts';

export interface EventQueue extends AsyncIterableIterator<WatchEvent, undefined> {
  push(event: WatchEvent): void;
  /** Ends the iteration after the unread events. */
  end(): void;
  /** Ends the iteration at once and drops the unread events. */
  return(): Promise<IteratorResult<WatchEvent, undefined>>;
}

const DONE = { done: true, value: undefined } as const;

/** @param onReturn called when the reader leaves its loop */
export function createEventQueue(onReturn: () => void): EventQueue {
  const unread = new Map<string, WatchEvent>();
  const readers: ((result: IteratorResult<WatchEvent, undefined>) => void)[] = [];
  let isEnded = false;

  const queue: EventQueue = {
    push(event) {
      if (isEnded) return;
      const reader = readers.shift();
      if (reader === undefined) put(unread, event);
      else reader({ done: false, value: event });
    },
    end() {
      isEnded = true;
      for (const reader of readers.splice(0)) reader(DONE);
    },
    next() {
      const event = takeFirst(unread);
      if (event !== undefined) return Promise.resolve({ done: false, value: event });
      if (isEnded) return Promise.resolve(DONE);
      return new Promise((resolve) => readers.push(resolve));
    },
    return() {
      unread.clear();
      queue.end();
      onReturn();
      return Promise.resolve(DONE);
    },
    [Symbol.asyncIterator]: () => queue,
  };
  return queue;
}

/** Replaces an unread event of the same kind. */
function put(unread: Map<string, WatchEvent>, event: WatchEvent): void {
  const kind = event.type === 'fresh' || event.type === 'stale' ? 'session' : event.type;
  const missed = unread.get(kind);
  unread.delete(kind); // the newest comes last
  unread.set(kind, missed?.type === 'session' && event.type !== 'connection' ? { ...event, type: 'session' } : event);
}

function takeFirst(unread: Map<string, WatchEvent>): WatchEvent | undefined {
  for (const [kind, event] of unread) {
    unread.delete(kind);
    return event;
  }
  return undefined;
}
