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
  const { until, look } = createUntil(() => told.map(({ event }) => event).join(', '));
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
  /**
   * Resolves to what `find` finds, now or at a later `look`. Rejects when a test that still waits
   * has hung for long, and says what came so far.
   */
  until<T>(find: () => T | undefined): Promise<T>;
  /** To be called whenever there may be something to find. */
  look(): void;
}

/** Before a test's own limit, which says nothing but that the test took too long. */
const WAIT_AT_MOST_MS = 240_000;

/** @param soFar in words, for the error */
export function createUntil(soFar: () => string = () => 'unknown'): Until {
  const waiting = new Set<() => void>();
  return {
    until: (find) =>
      new Promise((resolve, reject) => {
        const tryToFind = (): void => {
          const found = find();
          if (found === undefined) return;
          waiting.delete(tryToFind);
          clearTimeout(timer);
          resolve(found);
        };
        const giveUp = (): void => reject(new Error(`nothing that fits came within ${WAIT_AT_MOST_MS} ms. So far: ${soFar()}`));
        const timer = setTimeout(giveUp, WAIT_AT_MOST_MS).unref(); // a test may leave it behind
        waiting.add(tryToFind);
        tryToFind();
      }),
    look() {
      for (const tryToFind of waiting) tryToFind();
    },
  };
}
