/** The codes of a provider. Each instance has a new one every 20 s, at its own moments. */

import { type AnsweredCode, keyOf } from './code-latencies.ts';
import { monotonicMs } from './measure.ts';
import { createPicture, createPictures } from './picture.ts';

const ROTATE_EVERY_MS = 20_000;
/** Spreads the moments of instances whose numbers follow one another. */
const PHASE_STEP_MS = 7_919;
const SHARED_PICTURES = 256;

export interface Codes {
  /** The body of the answer to a request that comes now. */
  answerFor(instance: number): Buffer;
  /** The codes that were given for the first time since the last call. */
  takeNew(): readonly AnsweredCode[];
}

/** The code that the instance has at `now`, Unix ms. */
export function rotatingCode(instance: number, now: number): { readonly turn: number; readonly bornAt: number } {
  const phase = (instance * PHASE_STEP_MS) % ROTATE_EVERY_MS;
  const turn = Math.floor((now + phase) / ROTATE_EVERY_MS);
  return { turn, bornAt: turn * ROTATE_EVERY_MS - phase };
}

/** The instances share some pictures. This costs the provider least, and `takeNew` returns nothing. */
export function createSharedCodes(): Codes {
  const answers = createPictures(SHARED_PICTURES).map(answerOf);
  return {
    answerFor(instance) {
      const { turn } = rotatingCode(instance, Date.now());
      return answers[(turn + instance) % SHARED_PICTURES] ?? Buffer.alloc(0);
    },
    takeNew: () => [],
  };
}

/** Each code has a picture of its own, as real ones do. So the worker has to read each of them. */
export function createOwnCodes(): Codes {
  const shown = new Map<number, { readonly turn: number; readonly answer: Buffer }>();
  let fresh: AnsweredCode[] = [];
  return {
    answerFor(instance) {
      const { turn, bornAt } = rotatingCode(instance, Date.now());
      const known = shown.get(instance);
      if (known?.turn === turn) return known.answer;
      const picture = createPicture();
      const answer = answerOf(picture);
      shown.set(instance, { turn, answer });
      fresh.push([instance, keyOf(picture), monotonicMs() - (Date.now() - bornAt), monotonicMs()]);
      return answer;
    },
    takeNew() {
      const taken = fresh;
      fresh = [];
      return taken;
    },
  };
}

function answerOf(picture: string): Buffer {
  return Buffer.from(JSON.stringify({ type: 'qrCode', message: picture }));
}
