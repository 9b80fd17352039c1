/** Who listens to a watch: to single events, to any change, or in a loop. A listener that throws harms nobody else and is still heard of. */

import { createEventQueue, type EventQueue } from './event-queue.ts';
import type { WatchEvent, WatchEvents } from './types.ts';

export interface Listeners {
  on<K extends keyof WatchEvents>(type: K, listener: (data: WatchEvents[K]) => void): () => void;
  subscribe(onChange: () => void): () => void;
  /** @param first what stands now */
  iterate(first: readonly WatchEvent[]): AsyncIterator<WatchEvent, undefined>;
  /** One change, and the events that make it. */
  tell(...events: readonly WatchEvent[]): void;
  /** The loops end once they have read what they are owed. */
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
    // The type names the data; a union of both loses that.
    const listeners = onEvent[type] as Set<(data: WatchEvent['data']) => void>;
    for (const listener of [...listeners]) call(listener, data);
  }
}

/** A set of its own functions would take the same one twice for once; the undo takes away just this one. */
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
      throw error; // to the page's `error` event, or the process's `uncaughtException`, as from any event listener
    });
  }
}
