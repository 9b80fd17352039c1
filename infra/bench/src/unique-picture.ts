/**
 * Pictures of codes, each of which differs from all others. Drawing one takes 5 ms, so a few are
 * drawn and the bytes behind their end differ. Decoders of PNG do not read those.
 */

const ROTATE_EVERY_MS = 20_000;
/** Spreads the moments of instances whose numbers follow one another. */
const PHASE_STEP_MS = 7_919;
/** Base64 without padding needs a multiple of it. */
const BASE64_BYTES = 3;
const MARK_BYTES = 12;

/** @returns the picture of the instance at `now`, Unix ms. It is the same until its next code */
export function rotatingPicture(pictures: readonly Buffer[], instance: number, now: number): Buffer {
  const turn = Math.floor((now + ((instance * PHASE_STEP_MS) % ROTATE_EVERY_MS)) / ROTATE_EVERY_MS);
  const picture = pictures[(turn + instance) % pictures.length];
  if (picture === undefined) throw new Error('expected at least one picture');
  return withMark(picture, instance, turn);
}

function withMark(picture: Buffer, instance: number, turn: number): Buffer {
  const padding = (BASE64_BYTES - (picture.length % BASE64_BYTES)) % BASE64_BYTES;
  const marked = Buffer.alloc(picture.length + padding + MARK_BYTES);
  picture.copy(marked);
  marked.writeBigUInt64BE(BigInt(instance), picture.length + padding);
  marked.writeUInt32BE(turn >>> 0, picture.length + padding + 8);
  return marked;
}
