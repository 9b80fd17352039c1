/** Keeps a subscription's messages behind the answer that it begins with. */

import type { Sink } from './delivery.ts';

export interface HeldSink {
  readonly sink: Sink;
  /** What was held goes out, in its order, and nothing is held from then on. */
  open(): void;
}

/** Holds back what comes until it is opened: by credit that is one message and an end at most. */
export function createHeldSink(sink: Sink): HeldSink {
  let held: (() => void)[] | null = [];
  const pass = (act: () => void): void => {
    if (held === null) act();
    else held.push(act);
  };
  return {
    sink: { send: (message, sent) => pass(() => sink.send(message, sent)), close: (reason) => pass(() => sink.close(reason)) },
    open() {
      const acts = held ?? [];
      held = null;
      for (const act of acts) act();
    },
  };
}
