/** For tests: what a viewer was told, in the order it came, whatever carried it. */

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
  /** The first that fits, past or future. */
  until<E extends keyof StreamEvents>(event: E, fits?: (body: StreamEvents[E]) => boolean): Promise<StreamEvents[E]>;
}

export interface Recorder extends Told {
  /** The event's name tells its body; the tests check what they rely on. */
  add(event: string, body: unknown): void;
}

export function createRecorder(): Recorder {
  const told: { readonly event: string; readonly body: unknown }[] = [];
  const waiting = new Set<() => void>();
  const all = <E extends keyof StreamEvents>(event: E) =>
    told.filter((one) => one.event === event).map(({ body }) => body as StreamEvents[E]);
  return {
    add(event, body) {
      told.push({ event, body });
      for (const look of waiting) look();
    },
    get order() {
      return told.map(({ event }) => event);
    },
    all,
    until(event, fits = () => true) {
      return new Promise((resolve) => {
        const look = (): void => {
          const found = all(event).find(fits);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      });
    },
  };
}
