/** How much a client may say: a stock client sends a few small messages in its life. What comes as a flood would be answered outside any credit. */

/** A message that comes in more pieces than this is cut: each piece keeps all that came with it, up to 64 KiB, until the last is there. */
export const MAX_FRAGMENTS = 16;
/** The largest holds a ticket or a password. */
export const MAX_MESSAGE_BYTES = 16 * 1024;
export const MESSAGES_PER_SECOND = 20;
export const MESSAGE_BURST = 200;

/** Counts a message; false if it is one too many. `now` in ms. */
export function createMessageBudget(now: () => number): () => boolean {
  let spare = MESSAGE_BURST;
  let countedAt = now();
  return () => {
    const at = now();
    spare = Math.min(MESSAGE_BURST, spare + ((at - countedAt) / 1_000) * MESSAGES_PER_SECOND) - 1;
    countedAt = at;
    return spare >= 0;
  };
}
