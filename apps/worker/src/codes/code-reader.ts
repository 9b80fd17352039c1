/**
 * Reads what the pictures of codes say. It is an extra: a poll never waits long for it, and what cannot be read in time, or at all, is shown
 * as the picture it is. Decoding costs 0.6 ms, so it is rationed, done on a thread of its own, and done once per picture. Texts are as
 * secret as codes: they are not logged.
 */

import type { Logger } from '@qrcast/runtime/log';
import { LRUCache } from 'lru-cache';
import { openReadingThread, type ReadingThreadOptions } from './reading-thread.ts';

export interface CodeReader {
  /** Resolves when pictures are read; also where they cannot be. Polls before that would show their codes without a text. */
  readonly started: Promise<void>;
  /**
   * What the picture says; null if it cannot be read, or not now: what is read too late, or finds no room, is there when the same picture
   * comes with a later poll. Never rejects.
   */
  read(picture: { readonly digest: string; readonly image: string }): Promise<string | null>;
  /** Whoever waits gets null. Idempotent. */
  close(): Promise<void>;
}

export interface CodeReaderOptions extends ReadingThreadOptions {
  /** How long a poll waits. */
  readonly waitMs: number;
  /** A tick's polls come back together: a quarter of 1,000 may bring new codes. */
  readonly maxWaiting: number;
  /** Of one core, on average. What is not used is saved up, for a second at most. */
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
/** A code of 300 pixels takes 7,000 characters; with `maxWaiting` this bounds what waits to 50 MB. */
const MAX_IMAGE_CHARACTERS = 200_000;
/** About 250 B each. A code is asked for again for about a minute. */
const KNOWN_TEXTS = 20_000;
/** Stands for "cannot be read" among the known texts, so that a bad picture is tried once. */
const UNREADABLE = '';

interface Job {
  readonly image: string;
  readonly promise: Promise<string | null>;
  readonly resolve: (text: string | null) => void;
}

export function openCodeReader(deps: { readonly log: Logger }, options: Partial<CodeReaderOptions> = {}): CodeReader {
  const { waitMs, maxWaiting, share, ...threadOptions } = { ...CODE_READER_DEFAULTS, ...options };
  const thread = openReadingThread(deps, threadOptions);
  const texts = new LRUCache<string, string>({ max: KNOWN_TEXTS });
  /** By digest, the first of them under way. */
  const waiting = new Map<string, Job>();
  let isWorking = false;
  let allowanceMs = share * SAVED_FOR_MS;
  let countedAt = performance.now();

  /** A picture may overdraw the allowance; then nothing is read until it is made up for. */
  function hasRoom(): boolean {
    const now = performance.now();
    allowanceMs = Math.min(share * SAVED_FOR_MS, allowanceMs + (now - countedAt) * share);
    countedAt = now;
    return allowanceMs > 0;
  }

  function enqueue(digest: string, image: string): Promise<string | null> | null {
    if (waiting.size >= maxWaiting || image.length > MAX_IMAGE_CHARACTERS || !hasRoom()) return null;
    const job = { image, ...Promise.withResolvers<string | null>() };
    waiting.set(digest, job);
    if (!isWorking) void work();
    return job.promise;
  }

  async function work(): Promise<void> {
    isWorking = true;
    for (const [digest, { image, resolve }] of waiting) {
      const text = hasRoom() ? await decode(digest, image) : null;
      waiting.delete(digest);
      resolve(text);
    }
    isWorking = false;
  }

  async function decode(digest: string, image: string): Promise<string | null> {
    const word = await thread.read(image);
    if (word === null) return null;
    allowanceMs -= word.tookMs;
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
