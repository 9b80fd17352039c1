/** Holds a subscription's messages back until the answer that it begins with has been sent. */

import type { Sink } from './delivery.ts';
import { keepMessage } from './session-message.ts';

export interface HeldSink {
  readonly sink: Sink;
  /** Sends what was held, in its order. Nothing is held from then on. */
  release(): void;
}

/** Before the release it holds no more messages than may be unread, and an end. */
export function createHeldSink(sink: Sink): HeldSink {
  let held: (() => void)[] | null = [];
  return {
    sink: {
      transport: sink.transport,
      send(message, sent, isAwaited) {
        if (held === null) sink.send(message, sent, isAwaited);
        else {
          const kept = message.kind === 'session' ? keepMessage(message) : message;
          held.push(() => sink.send(kept, sent, isAwaited));
        }
      },
      hasRoom: sink.hasRoom,
      askedAt: sink.askedAt,
      close(reason) {
        if (held === null) sink.close(reason);
        else held.push(() => sink.close(reason));
      },
    },
    release() {
      const acts = held ?? [];
      held = null;
      for (const act of acts) act();
    },
  };
}
