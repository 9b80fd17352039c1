/**
 * Bounds what a viewer's client may send. A stock client sends a few small messages in its life.
 * Answers to a flood would be sent outside any credit.
 */

import { spendToken, type TokenRate, waitForTokenMs } from '../limits/token-bucket.ts';

/**
 * A message in more fragments than this ends its connection. Each fragment keeps the whole chunk
 * that it came in, up to 64 KiB, until the last has come.
 */
export const MAX_FRAGMENTS = 16;
/** The largest message holds a ticket or a password. */
export const MAX_MESSAGE_BYTES = 16 * 1024;
export const MESSAGES_PER_SECOND = 20;
export const MESSAGE_BURST = 200;
const RATE: TokenRate = { burst: MESSAGE_BURST, fillMs: (MESSAGE_BURST / MESSAGES_PER_SECOND) * 1_000 };

/** Counts a message, also one too many; returns false for that. `now` in ms. */
export function createMessageBudget(now: () => number): () => boolean {
  let fullAt = 0;
  return () => {
    const isWithin = waitForTokenMs(fullAt, RATE, now()) === 0;
    fullAt = spendToken(fullAt, RATE, now());
    return isWithin;
  };
}
