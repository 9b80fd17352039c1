/**
 * The listeners of a watch: to single events, to every change, or in a loop. If one throws, the
 * others are still called, and the error is reported.
 */

import { createEventQueue, type EventQueue } from './event-queue.ts';
import type { WatchEvent, WatchEvents } from './types.ts';

export interface Listeners {
  on<K extends keyof WatchEvents>(type: K, listener: (data: WatchEvents[K]) => void): () => void;
  subscribe(onChange: () => void): () => void;
  /** @param first the current state, which the loop reads first */
  iterate(first: readonly WatchEvent[]): AsyncIterator<WatchEvent, undefined>;
  /** Reports one change, with all its events. */
  tell(...events: readonly WatchEvent[]): void;
  /** Ends the loops after they have read their unread events. */
  end(): void;
}

export function createListeners(): Listeners {
  const onEvent: { readonly [K in keyof WatchEvents]: Set<(data: WatchEvents[K]) => void> } = {
    session: new Set(),
    fresh: new Set(),
    stale: new Set(),
    connection: new Set(),
    final: new Set(),
  };
  const onChange = new Set<() => void>();
  const queues = new Set<EventQueue>();
  let isEnded = false;

  return {
    on: (type, listener) => add(onEvent[type], listener),
    subscribe: (listener) => add(onChange, listener),
    iterate(first) {
      const queue = createEventQueue(() => queues.delete(queue));
      for (const event of first) queue.push(event);
      if (isEnded) queue.end();
      else queues.add(queue);
      return queue;
    },
    tell(...events) {
      for (const queue of queues) for (const event of events) queue.push(event);
      for (const listener of [...onChange]) call(listener, undefined);
      for (const event of events) tellOne(event);
    },
    end() {
      isEnded = true;
      for (const queue of queues) queue.end();
      queues.clear();
    },
  };

  function tellOne({ type, data }: WatchEvent): void {
    // `type` decides the type of `data`, but the union of all events loses that relation.
    const listeners = onEvent[type] as Set<(data: WatchEvent['data']) => void>;
    for (const listener of [...listeners]) call(listener, data);
  }
}

/**
 * Wraps the listener, so that the same function can be added twice. The returned function removes
 * only this one.
 */
function add<T>(listeners: Set<(data: T) => void>, listener: (data: T) => void): () => void {
  const own = (data: T): void => listener(data);
  listeners.add(own);
  return () => void listeners.delete(own);
}

function call<T>(listener: (data: T) => void, data: T): void {
  try {
    listener(data);
  } catch (error) {
    queueMicrotask(() => {
      throw error; // reaches the page's `error` event or the process's `uncaughtException`, as from any event listener
    });
  }
}
