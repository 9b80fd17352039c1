/**
 * What one slow reader of a watch's events is still owed: at most the newest state, the newest connection and the final word. A state that was
 * not read yet is replaced by the next, and keeps the stronger name: who missed a `session` is told `session`, not `fresh`.
 */

import type { WatchEvent } from './types.ts';

export interface EventQueue extends AsyncIterableIterator<WatchEvent, undefined> {
  push(event: WatchEvent): void;
  /** What is still owed can be read, then it is done. */
  end(): void;
  /** Done at once; what is owed is dropped. */
  return(): Promise<IteratorResult<WatchEvent, undefined>>;
}

const DONE = { done: true, value: undefined } as const;

/** @param onReturn the reader left */
export function createEventQueue(onReturn: () => void): EventQueue {
  const owed = new Map<string, WatchEvent>();
  const readers: ((result: IteratorResult<WatchEvent, undefined>) => void)[] = [];
  let isEnded = false;

  function put(event: WatchEvent): void {
    const slot = event.type === 'fresh' || event.type === 'stale' ? 'session' : event.type;
    const missed = owed.get(slot);
    owed.delete(slot); // the newest comes last
    owed.set(slot, missed?.type === 'session' && event.type !== 'connection' ? { ...event, type: 'session' } : event);
  }

  function take(): WatchEvent | undefined {
    for (const [slot, event] of owed) {
      owed.delete(slot);
      return event;
    }
    return undefined;
  }

  const queue: EventQueue = {
    push(event) {
      if (isEnded) return;
      const reader = readers.shift();
      if (reader === undefined) put(event);
      else reader({ done: false, value: event });
    },
    end() {
      isEnded = true;
      for (const reader of readers.splice(0)) reader(DONE);
    },
    next() {
      const event = take();
      if (event !== undefined) return Promise.resolve({ done: false, value: event });
      if (isEnded) return Promise.resolve(DONE);
      return new Promise((resolve) => readers.push(resolve));
    },
    return() {
      owed.clear();
      queue.end();
      onReturn();
      return Promise.resolve(DONE);
    },
    [Symbol.asyncIterator]: () => queue,
  };
  return queue;
}
