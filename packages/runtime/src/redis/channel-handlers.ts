/** Who wants the messages of which channel: one subscription per channel for all its handlers. */

import type { Logger } from '../log.ts';
import type { Meters } from '../metrics/meters.ts';

type Handle = (message: Buffer) => void;

export interface ChannelHandlers {
  /**
   * `begin` is called for a new channel, `end` after its last handler has gone. Returns the function
   * that removes the handler, which is idempotent.
   */
  add(channel: string, handle: Handle, begin: () => void, end: () => void): () => void;
  /** @param message a view of a larger chunk: who keeps it keeps the chunk */
  deliver(channel: string, message: Buffer): void;
  channels(): IterableIterator<string>;
}

export function createChannelHandlers(log: Pick<Logger, 'warn'>, meters: Meters): ChannelHandlers {
  const messages = meters.counter('qrcast_bus_messages_total', {});
  const handlers = new Map<string, Set<Handle>>();

  /**
   * An older version, or anybody with access to Redis, can publish anything. That must not end the
   * process.
   */
  function call(handle: Handle, message: Buffer): void {
    try {
      handle(message);
    } catch {
      log.warn('a published message could not be used; the next read of the record makes up for it'); // its text may hold anything, so it is not logged
    }
  }

  return {
    add(channel, handle, begin, end) {
      const known = handlers.get(channel);
      const set = known ?? new Set();
      set.add(handle);
      if (known === undefined) {
        handlers.set(channel, set);
        begin();
      }
      return () => {
        if (!set.delete(handle) || set.size > 0 || handlers.get(channel) !== set) return;
        handlers.delete(channel);
        end();
      };
    },
    deliver(channel, message) {
      messages.add();
      for (const handle of handlers.get(channel) ?? []) call(handle, message);
    },
    channels: () => handlers.keys(),
  };
}
