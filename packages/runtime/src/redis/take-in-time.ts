/**
 * Commands that take a lease, and must not run once their caller has given up. A frozen Redis keeps
 * the commands it got and runs them when it wakes. A lease taken then belongs to nobody, and what
 * it covers waits for its end. So such a script gets the last moment at which it may run, by
 * Redis's clock, and returns nil after it.
 */

import type { MeasuredClock } from './clock.ts';

/** Far more than a working Redis takes, and less than it takes anybody to give up. */
const TAKE_WITHIN_MS = 2_000;

/**
 * Resolves to the reply of the script. @throws {Error} if Redis ran it too late and so did nothing.
 *
 * @param send runs the script with that moment, Unix ms
 */
export async function takeInTime<Reply>(clock: MeasuredClock, send: (notAfter: number) => Promise<unknown>): Promise<Reply> {
  const sentAt = performance.now();
  const reply = await send(clock.now() + TAKE_WITHIN_MS);
  if (reply !== null) return reply as Reply; // as its script says
  if (performance.now() - sentAt < TAKE_WITHIN_MS) clock.doubt(); // in time by our own clock, so the measured offset is wrong
  throw new Error(`Redis took longer than ${TAKE_WITHIN_MS} ms for a command that takes a lease, so it did nothing`);
}
