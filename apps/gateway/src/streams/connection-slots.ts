/**
 * Bounds the viewers' connections of this gateway, over all transports, and tells them to leave
 * when the gateway stops. Their leaving is spread over the drain, so that the gateways they return
 * to are not all asked at once.
 *
 * A connection takes a slot with a good ticket. Until it shows one it is anonymous. Anonymous
 * connections have a bound of their own, so that a client without a ticket cannot take a slot from
 * one that has a ticket. If there are too many, the address with most of them loses its oldest:
 * a client that opens them in bursts evicts its own, and an honest client needs only a moment to
 * show its ticket.
 */

import { RefusedError } from '@qrcast/core/errors';
import type { Transport } from '@qrcast/runtime/metrics/metrics-gateway';
import { createEvictionPool, type EvictionPool } from '../limits/fair-eviction.ts';
import type { StreamMeters } from './stream-meters.ts';

export interface ConnectionSlots {
  /**
   * Takes a slot until the returned undo is called; idempotent. `leave` is called once if the
   * gateway stops: end the connection, and have its client return after `retryAfterMs`.
   * @throws {RefusedError} `unavailable` while no slot is free.
   */
  take(transport: Transport, leave: (retryAfterMs: number) => void): () => void;
  /**
   * For a connection that has not shown a ticket yet; `leave` as above. `group`: of its address,
   * see `addressGroup`. `cut` is called once at most: end the connection without a word.
   * @throws {RefusedError} `unavailable` while this gateway stops.
   */
  openAnonymous(transport: Transport, group: string, leave: (retryAfterMs: number) => void, cut: () => void): AnonymousConnection;
  isDraining(): boolean;
  /**
   * Refuses all new connections from now on. Resolves when all have left: after `drainMs` and their
   * closing.
   */
  drain(drainMs: number): Promise<void>;
}

export interface AnonymousConnection {
  /**
   * The connection has shown a good ticket. Takes a slot, unless it has one or has ended.
   * @throws {RefusedError} `unavailable` while no slot is free.
   */
  takeSlot(): void;
  hasSlot(): boolean;
  /** The connection has ended. Idempotent. */
  end(): void;
}

interface Slot {
  readonly leave: (retryAfterMs: number) => void;
  onFree: () => void;
}

interface Anonymous {
  readonly leave: (retryAfterMs: number) => void;
  readonly cut: () => void;
}

/**
 * Some 15 kB each. At 2,000 handshakes a second each connection has a second to show its ticket.
 */
export const MAX_ANONYMOUS = 2_000;
/**
 * Retry hints are spread over this, so that the clients of one gateway do not return all at once.
 */
const RETRY_WITHIN_MS = 1_000;
const RETRY_AFTER_MS = 1_000;

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: its functions share the slots and the anonymous connections.
export function createConnectionSlots(maxConnections: number, maxAnonymous: number, meters: Pick<StreamMeters, 'accept'>): ConnectionSlots {
  const taken = new Set<Slot>();
  const anonymous = createEvictionPool<Anonymous>();
  let isDraining = false;

  function take(transport: Transport, leave: (retryAfterMs: number) => void): () => void {
    if (isDraining || taken.size >= maxConnections) throw noSlot(isDraining);
    const slot: Slot = { leave, onFree: () => undefined };
    taken.add(slot);
    const ended = meters.accept(transport);
    return () => {
      if (!taken.delete(slot)) return;
      ended();
      slot.onFree();
    };
  }

  function openAnonymous(transport: Transport, group: string, leave: (retryAfterMs: number) => void, cut: () => void): AnonymousConnection {
    if (isDraining) throw noSlot(isDraining);
    const one: Anonymous = { leave, cut };
    anonymous.add(one, group);
    evictSurplus(anonymous, maxAnonymous);
    let freeSlot: (() => void) | null = null;
    let hasEnded = false;
    return {
      takeSlot() {
        if (hasEnded) return;
        freeSlot ??= take(transport, leave);
        anonymous.delete(one);
      },
      hasSlot: () => freeSlot !== null,
      end() {
        hasEnded = true;
        anonymous.delete(one);
        freeSlot?.();
      },
    };
  }

  return {
    take,
    openAnonymous,
    isDraining: () => isDraining,
    async drain(drainMs) {
      isDraining = true;
      for (const { leave } of anonymous.members()) leave(retryAfterMs());
      const staying = [...taken];
      await Promise.all(staying.map((slot, i) => askToLeave(slot, Math.round((drainMs * i) / staying.length))));
    },
  };
}

function evictSurplus(anonymous: EvictionPool<Anonymous>, max: number): void {
  const surplus = anonymous.size() > max ? anonymous.nextToEvict() : null;
  if (surplus === null) return;
  anonymous.delete(surplus);
  surplus.cut();
}

/** Resolves when the slot is free. */
function askToLeave(slot: Slot, afterMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => slot.leave(retryAfterMs()), afterMs);
    slot.onFree = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

function retryAfterMs(): number {
  return Math.round(Math.random() * RETRY_WITHIN_MS);
}

function noSlot(isDraining: boolean): RefusedError {
  const why = isDraining ? 'this gateway is stopping' : 'this gateway has as many connections as it takes';
  return new RefusedError('unavailable', `${why}; connect again`, { retryAfterMs: RETRY_AFTER_MS });
}
