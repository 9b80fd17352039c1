/**
 * Reads the text of code pictures. The text is optional: a poll waits only a short time for it, and
 * a picture that cannot be read, or not in time, is shown without a text. Decoding takes about 1 ms.
 * So it is rationed, runs on a thread of its own, and is done once per picture. Texts are as secret
 * as codes and are not logged.
 */

import type { Logger } from '@qrcast/runtime/log';
import type { Meters } from '@qrcast/runtime/metrics/meters';
import { LRUCache } from 'lru-cache';
import { openReadingThread, type ReadingThreadOptions } from './reading-thread.ts';

export interface CodeReader {
  /**
   * Resolves when pictures can be read, or when they turn out not to be readable. Earlier polls
   * show their codes without a text.
   */
  readonly started: Promise<void>;
  /**
   * Resolves to the picture's text, or null if it cannot be read now or at all. A text that comes
   * too late is there when a later poll brings the same picture. Never rejects.
   */
  read(picture: { readonly digest: string; readonly image: string }): Promise<string | null>;
  /** Calls that wait resolve to null. Idempotent. */
  close(): Promise<void>;
}

export interface CodeReaderOptions extends ReadingThreadOptions {
  /** How long a poll waits. */
  readonly waitMs: number;
  /** The polls of a tick come back together. Of 1,000 a quarter may bring new codes. */
  readonly maxWaiting: number;
  /** Of one core, on average. Unused time is saved up for at most a second. */
  readonly share: number;
}

export const CODE_READER_DEFAULTS: CodeReaderOptions = {
  waitMs: 150,
  maxWaiting: 256,
  share: 0.25,
  pictureMs: 250,
  threadFile: new URL('./code-reader-thread.ts', import.meta.url),
};

const SAVED_FOR_MS = 1_000;
/**
 * A code of 300 pixels has 7,000 characters. With `maxWaiting` this limits the pictures that wait
 * to 50 MB.
 */
const MAX_IMAGE_CHARACTERS = 200_000;
/** About 250 B each. Polls bring the same code for about a minute. */
const KNOWN_TEXTS = 20_000;
/** Marks a picture that cannot be read among the known texts, so that it is tried only once. */
const UNREADABLE = '';

export interface CodeReaderDeps {
  readonly log: Logger;
  readonly meters: Meters;
}

interface Job {
  readonly image: string;
  readonly promise: Promise<string | null>;
  readonly resolve: (text: string | null) => void;
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: the queue, the allowance and the known texts change together.
export function openCodeReader(deps: CodeReaderDeps, options: Partial<CodeReaderOptions> = {}): CodeReader {
  const { waitMs, maxWaiting, share, ...threadOptions } = { ...CODE_READER_DEFAULTS, ...options };
  const thread = openReadingThread(deps, threadOptions);
  const took = deps.meters.histogram('qrcast_code_decode_seconds', {});
  const texts = new LRUCache<string, string>({ max: KNOWN_TEXTS });
  /** By digest. The first is under way. */
  const waiting = new Map<string, Job>();
  let isWorking = false;
  let allowanceMs = share * SAVED_FOR_MS;
  let countedAt = performance.now();

  /**
   * A picture may overdraw the allowance. Then nothing is read until the allowance is positive
   * again.
   */
  function hasAllowance(): boolean {
    const now = performance.now();
    allowanceMs = Math.min(share * SAVED_FOR_MS, allowanceMs + (now - countedAt) * share);
    countedAt = now;
    return allowanceMs > 0;
  }

  function enqueue(digest: string, image: string): Promise<string | null> | null {
    if (waiting.size >= maxWaiting || image.length > MAX_IMAGE_CHARACTERS || !hasAllowance()) return null;
    const job = { image, ...Promise.withResolvers<string | null>() };
    waiting.set(digest, job);
    if (!isWorking) void work();
    return job.promise;
  }

  async function work(): Promise<void> {
    isWorking = true;
    for (const [digest, { image, resolve }] of waiting) {
      const text = hasAllowance() ? await decode(digest, image) : null;
      waiting.delete(digest);
      resolve(text);
    }
    isWorking = false;
  }

  async function decode(digest: string, image: string): Promise<string | null> {
    const word = await thread.read(image);
    if (word === null) return null;
    allowanceMs -= word.tookMs;
    took.observe(word.tookMs / 1_000);
    texts.set(digest, word.text ?? UNREADABLE);
    return word.text;
  }

  return {
    started: thread.started,

    async read({ digest, image }) {
      const known = texts.get(digest);
      if (known !== undefined) return known === UNREADABLE ? null : known;
      const reading = waiting.get(digest)?.promise ?? enqueue(digest, image);
      return reading === null ? null : within(waitMs, reading);
    },
    close: () => thread.close(),
  };
}

async function within(ms: number, reading: Promise<string | null>): Promise<string | null> {
  const late = Promise.withResolvers<null>();
  const timer = setTimeout(late.resolve, ms, null);
  try {
    return await Promise.race([reading, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
