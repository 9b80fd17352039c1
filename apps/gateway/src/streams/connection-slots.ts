/**
 * One count of the viewers' connections, whatever their transport: who is let in, and who is told to go when this gateway stops. Their
 * leaving is spread over the drain, so that the gateways they come back to are not all asked at once.
 *
 * A connection takes its place with a good ticket. Until it shows one it is a guest, and guests have room of their own, so that who has no
 * ticket cannot take a place from who has one. If they are too many, one of the address that has most of them is cut, so that who opens them
 * in bursts cuts his own; there it is the one that has been a guest for longest: an honest client needs a moment to show its ticket.
 */

import { RefusedError } from '@qrcast/core/errors';
import { createCrowd } from '../limits/fair-eviction.ts';

export interface Admission {
  /**
   * Takes a place until the returned undo is called; idempotent. `leave` is called once if the gateway stops: end the connection, and let its
   * client come back after `retryAfterMs`. @throws {RefusedError} `unavailable` while there is no place.
   */
  enter(leave: (retryAfterMs: number) => void): () => void;
  /**
   * For a connection that has not shown a ticket yet; `leave` as above. `group`: of its address, see `addressGroup`. `cut` is called at most
   * once: end it without a word. @throws {RefusedError} `unavailable` while this gateway stops.
   */
  welcome(group: string, leave: (retryAfterMs: number) => void, cut: () => void): Guest;
  isDraining(): boolean;
  /** Nobody enters from now on. Resolves when all have left, `drainMs` and their closing later. */
  drain(drainMs: number): Promise<void>;
}

export interface Guest {
  /** It has shown a good ticket: takes its place, if it has none yet and is still there. @throws {RefusedError} `unavailable` while there is none. */
  enter(): void;
  /** The connection has ended. Idempotent. */
  leave(): void;
}

interface Place {
  readonly leave: (retryAfterMs: number) => void;
  left: () => void;
}

/** Some 15 kB each. With 2,000 handshakes a second every one has a second for its ticket. */
export const MAX_GUESTS = 2_000;
/** A hint spread over this keeps the clients of one gateway from coming back at the same moment. */
const COME_BACK_WITHIN_MS = 1_000;
const COME_BACK_AFTER_MS = 1_000;

export function createAdmission(maxConnections: number, maxGuests: number): Admission {
  const places = new Set<Place>();
  const guests = createCrowd<{ readonly leave: (retryAfterMs: number) => void; readonly cut: () => void }>();
  let isDraining = false;

  const comeBackAfterMs = (): number => Math.round(Math.random() * COME_BACK_WITHIN_MS);

  function refusal(): RefusedError {
    const why = isDraining ? 'this gateway is stopping' : 'this gateway has as many connections as it takes';
    return new RefusedError('unavailable', `${why}; connect again`, { retryAfterMs: COME_BACK_AFTER_MS });
  }

  function enter(leave: (retryAfterMs: number) => void): () => void {
    if (isDraining || places.size >= maxConnections) throw refusal();
    const place: Place = { leave, left: () => undefined };
    places.add(place);
    return () => {
      if (places.delete(place)) place.left();
    };
  }

  function tellToLeave(place: Place, afterMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => place.leave(comeBackAfterMs()), afterMs);
      place.left = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  return {
    enter,

    welcome(group, leave, cut) {
      if (isDraining) throw refusal();
      const guest = { leave, cut };
      guests.add(guest, group);
      const surplus = guests.size() > maxGuests ? guests.firstToGo() : null;
      if (surplus !== null) {
        guests.delete(surplus);
        surplus.cut();
      }
      let leavePlace: (() => void) | null = null;
      let hasGone = false;
      return {
        enter() {
          if (hasGone) return;
          leavePlace ??= enter(leave);
          guests.delete(guest);
        },
        leave() {
          hasGone = true;
          guests.delete(guest);
          leavePlace?.();
        },
      };
    },

    isDraining: () => isDraining,

    async drain(drainMs) {
      isDraining = true;
      for (const guest of guests.members()) guest.leave(comeBackAfterMs());
      const staying = [...places];
      await Promise.all(staying.map((place, i) => tellToLeave(place, Math.round((drainMs * i) / staying.length))));
    },
  };
}
