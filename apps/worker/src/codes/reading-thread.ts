/**
 * Runs the thread that reads pictures (code-reader-thread.ts): starts it at once and again after it
 * was lost, and ends it when a picture takes too long. After each loss in a row it waits longer
 * before it starts again. Meanwhile nothing is read.
 */

import { Worker } from 'node:worker_threads';
import { errorFields, type Logger } from '@qrcast/runtime/log';

/** The thread's message: one when it is ready, then one for every picture. */
export interface Word {
  /** Null if the picture cannot be read. */
  readonly text: string | null;
  readonly tookMs: number;
}

export interface ReadingThread {
  /** Resolves when the first thread is ready, or could not be started. */
  readonly started: Promise<void>;
  /**
   * Reads one picture; to be called for one at a time. A picture that ended the thread counts as
   * unreadable. Resolves to null if there is no thread now. Never rejects.
   */
  read(image: string): Promise<Word | null>;
  /** Gives up the picture under way. Idempotent. */
  close(): Promise<void>;
}

export interface ReadingThreadOptions {
  /**
   * Longest time for one picture. Real ones take about 1 ms, but this is wall time, and the machine
   * may be busy.
   */
  readonly pictureMs: number;
  readonly threadFile: URL;
}

const START_MS = 10_000;
const RESTART_AFTER_MS = 1_000;
const MAX_RESTART_AFTER_MS = 60_000;
/** From this number on, losses are logged as warnings. */
const MANY_LOSSES = 3;

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: start, loss and close are transitions of the same state.
export function openReadingThread({ log }: { readonly log: Logger }, { pictureMs, threadFile }: ReadingThreadOptions): ReadingThread {
  let worker: Worker | null = null;
  let ready: Promise<Worker | null> | null = null;
  let hasStarted = false;
  let isClosed = false;
  /** In a row. */
  let losses = 0;
  let notBefore = 0;
  let ending: Promise<unknown> = Promise.resolve();

  async function start(): Promise<Worker | null> {
    try {
      const started = open();
      await nextWord(started, START_MS);
      hasStarted = true;
      return started;
    } catch (error) {
      lose(error);
      return null;
    }
  }

  function open(): Worker {
    // Without our environment, because it holds secrets and pictures come from outside.
    const opened = new Worker(threadFile, { env: {}, execArgv: [] });
    worker = opened;
    opened.unref();
    opened.on('error', () => undefined); // nextWord rejects with it; between two pictures the exit handler suffices
    opened.once('exit', () => {
      if (worker === opened) forget();
    });
    return opened;
  }

  function forget(): void {
    worker = null;
    ready = null;
  }

  function lose(error: unknown): void {
    ending = worker?.terminate() ?? ending;
    forget();
    if (isClosed) return;
    losses++;
    const restartInMs = Math.min(MAX_RESTART_AFTER_MS, RESTART_AFTER_MS * 2 ** (losses - 1));
    notBefore = performance.now() + restartInMs;
    const facts = { losses, restartInMs, ...errorFields(error) };
    if (hasStarted)
      log[losses < MANY_LOSSES ? 'info' : 'warn'](facts, 'the thread that reads codes was lost; it will start again after a pause');
    else log[losses === 1 ? 'error' : 'debug'](facts, 'codes cannot be read and are shown only as pictures; this will be tried again');
  }

  ready = start();
  return {
    started: ready.then(() => undefined),

    async read(image) {
      if (ready === null && (isClosed || performance.now() < notBefore)) return null;
      ready ??= start();
      const thread = await ready;
      if (thread === null) {
        ready = null;
        return null;
      }
      try {
        thread.postMessage(image);
        const word = await nextWord(thread, pictureMs);
        losses = 0;
        return word;
      } catch (error) {
        lose(error);
        return { text: null, tookMs: pictureMs };
      }
    },

    async close() {
      isClosed = true;
      await Promise.all([ending, worker?.terminate()]);
    },
  };
}

/**
 * The thread's next message. @throws {Error} if the thread ends first, or sends none within
 * `withinMs`.
 */
function nextWord(worker: Worker, withinMs: number): Promise<Word> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      worker.off('message', onWord).off('error', onError).off('exit', onExit);
      act();
    };
    const onWord = (word: Word): void => settle(() => resolve(word));
    const onError = (error: unknown): void => settle(() => reject(error));
    const onExit = (): void => settle(() => reject(new Error('the thread ended')));
    const onTime = (): void => settle(() => reject(new Error(`expected an answer within ${withinMs} ms, but none came`)));
    // If this process was blocked, the answer may have come already: handle it before the timeout.
    const timer = setTimeout(() => setImmediate(onTime), withinMs);
    worker.on('message', onWord).on('error', onError).on('exit', onExit);
  });
}
