/**
 * What a measurement of Redis's clock says about the offset to our own. Pure. Redis answers at some
 * moment between question and answer, so the true offset is within half a round trip of the measured
 * one, anywhere in it.
 */

export interface Measured {
  /** As if Redis had answered in the middle, ms. */
  readonly offsetMs: number;
  readonly roundTripMs: number;
}

/** A question that took longer was held up on its way: by a freeze, or by a new connection. */
const MAX_ROUND_TRIP_MS = 200;

export const isExact = ({ roundTripMs }: Measured): boolean => roundTripMs <= MAX_ROUND_TRIP_MS;

/**
 * A slow measurement only moves the known offset to the nearest one that is possible, so it never
 * makes it worse.
 */
export function correctOffset(knownMs: number, measured: Measured): number {
  const { offsetMs, roundTripMs } = measured;
  if (isExact(measured)) return offsetMs;
  return Math.min(Math.max(knownMs, offsetMs - roundTripMs / 2), offsetMs + roundTripMs / 2);
}
