/**
 * One count of the viewers' connections, whatever their transport: who is let in, and who is told to go when this gateway stops. Their
 * leaving is spread over the drain, so that the gateways they come back to are not all asked at once.
 */

import { RefusedError } from '@qrcast/core/errors';

export interface Admission {
  /**
   * Takes a place until the returned undo is called; idempotent. `leave` is called once if the gateway stops: end the connection, and let its
   * client come back after `retryAfterMs`. @throws {RefusedError} `unavailable` while there is no place.
   */
  enter(leave: (retryAfterMs: number) => void): () => void;
  /** Whether a transport with this many connections takes one more, be it only to refuse it in its own words. */
  mayOpen(connections: number): boolean;
  isDraining(): boolean;
  /** Nobody enters from now on. Resolves when all have left, `drainMs` and their closing later. */
  drain(drainMs: number): Promise<void>;
}

interface Place {
  readonly leave: (retryAfterMs: number) => void;
  left: () => void;
}

/** Connections of a transport above the limit that wait for their refusal. */
const MAX_REFUSED_AT_ONCE = 200;
/** A hint spread over this keeps the clients of one gateway from coming back at the same moment. */
const COME_BACK_WITHIN_MS = 1_000;
const COME_BACK_AFTER_MS = 1_000;

export function createAdmission(maxConnections: number): Admission {
  const places = new Set<Place>();
  let isDraining = false;

  function tellToLeave(place: Place, afterMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => place.leave(Math.round(Math.random() * COME_BACK_WITHIN_MS)), afterMs);
      place.left = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  return {
    enter(leave) {
      if (isDraining || places.size >= maxConnections) {
        const why = isDraining ? 'this gateway is stopping' : 'this gateway has as many connections as it takes';
        throw new RefusedError('unavailable', `${why}; connect again`, { retryAfterMs: COME_BACK_AFTER_MS });
      }
      const place: Place = { leave, left: () => undefined };
      places.add(place);
      return () => {
        if (places.delete(place)) place.left();
      };
    },

    mayOpen: (connections) => connections < maxConnections + MAX_REFUSED_AT_ONCE,

    isDraining: () => isDraining,

    async drain(drainMs) {
      isDraining = true;
      const staying = [...places];
      await Promise.all(staying.map((place, i) => tellToLeave(place, Math.round((drainMs * i) / staying.length))));
    },
  };
}
