/**
 * Bounds the streams of the overview that are open on this gateway, and ends them when it stops.
 * Tenants cannot take the slots that are kept for the operator, nor one tenant those of all others.
 */

import { RefusedError } from '@qrcast/core/errors';

export interface OverviewSlots {
  /**
   * Takes a slot until the returned undo is called; idempotent. `tenantId`: null for the operator.
   * `leave` is called once if the gateway stops: end the stream, and have its client return after
   * `retryAfterMs`.
   * @throws {RefusedError} `too_many_requests` if the tenant has as many as it may, `unavailable`.
   */
  take(tenantId: string | null, leave: (retryAfterMs: number) => void): () => void;
  /** Refuses all new streams from now on, and ends those that are open. */
  drain(): void;
}

interface Slot {
  readonly tenantId: string | null;
  readonly leave: (retryAfterMs: number) => void;
}

export const MAX_STREAMS = 20;
/** Of all tenants together. */
const MAX_OF_TENANTS = 16;
export const MAX_OF_TENANT = 4;

const RETRY_AFTER_MS = 1_000;
/** Spread, so that not all readers return at once. */
const RETRY_WITHIN_MS = 1_000;

export function createOverviewSlots(): OverviewSlots {
  const taken = new Set<Slot>();
  let isDraining = false;

  const count = (isMeant: (slot: Slot) => boolean): number => [...taken].filter(isMeant).length;

  function requireFree(tenantId: string | null): void {
    if (isDraining) throw refusal('unavailable', 'this gateway is stopping; connect again');
    if (tenantId !== null && count((slot) => slot.tenantId === tenantId) >= MAX_OF_TENANT)
      throw refusal('too_many_requests', `expected at most ${MAX_OF_TENANT} open streams of the overview; close one first`);
    const isFull = taken.size >= MAX_STREAMS || (tenantId !== null && count((slot) => slot.tenantId !== null) >= MAX_OF_TENANTS);
    if (isFull) throw refusal('unavailable', 'this gateway has as many streams of the overview as it takes; connect again');
  }

  return {
    take(tenantId, leave) {
      requireFree(tenantId);
      const slot: Slot = { tenantId, leave };
      taken.add(slot);
      return () => void taken.delete(slot);
    },
    drain() {
      isDraining = true;
      for (const { leave } of [...taken]) leave(Math.round(Math.random() * RETRY_WITHIN_MS));
    },
  };
}

const refusal = (code: 'unavailable' | 'too_many_requests', why: string): RefusedError =>
  new RefusedError(code, why, { retryAfterMs: RETRY_AFTER_MS });
