/** For tests: what a viewer was sent over any transport, in order. */

import type { Closing } from '@qrcast/core/close-codes';
import type { Fresh, WireSession } from '@qrcast/core/wire';

/** Messages of the public contract. */
export interface StreamEvents {
  session: WireSession;
  fresh: Fresh;
  draining: { readonly retryAfterMs: number };
  closing: Closing;
}

export interface Told {
  /** Names of all events. */
  readonly order: readonly string[];
  all<E extends keyof StreamEvents>(event: E): readonly StreamEvents[E][];
  /** Resolves to the first event that fits, past or future. */
  until<E extends keyof StreamEvents>(event: E, fits?: (body: StreamEvents[E]) => boolean): Promise<StreamEvents[E]>;
}

export interface Recorder extends Told {
  /** `body` has the type of the event's name. The tests check what they rely on. */
  add(event: string, body: unknown): void;
}

export function createRecorder(): Recorder {
  const told: { readonly event: string; readonly body: unknown }[] = [];
  const { until, look } = createUntil();
  const all = <E extends keyof StreamEvents>(event: E) =>
    told.filter((one) => one.event === event).map(({ body }) => body as StreamEvents[E]);
  return {
    add(event, body) {
      told.push({ event, body });
      look();
    },
    get order() {
      return told.map(({ event }) => event);
    },
    all,
    until: (event, fits = () => true) => until(() => all(event).find(fits)),
  };
}

export interface Until {
  /** Resolves to what `find` finds, now or at a later `look`. */
  until<T>(find: () => T | undefined): Promise<T>;
  /** To be called whenever there may be something to find. */
  look(): void;
}

export function createUntil(): Until {
  const waiting = new Set<() => void>();
  return {
    until: (find) =>
      new Promise((resolve) => {
        const tryToFind = (): void => {
          const found = find();
          if (found === undefined) return;
          waiting.delete(tryToFind);
          resolve(found);
        };
        waiting.add(tryToFind);
        tryToFind();
      }),
    look() {
      for (const tryToFind of waiting) tryToFind();
    },
  };
}
