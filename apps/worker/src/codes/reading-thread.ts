/**
 * The life of the thread that reads pictures (`code-reader-thread.ts`): started at once and again when it was lost, ended when a picture
 * takes too long. After losses in a row it rests, longer each time; while it rests nothing is read.
 */

import { Worker } from 'node:worker_threads';
import { errorFields, type Logger } from '@qrcast/runtime/log';

/** What the thread says once when it is ready, and then to every picture. */
export interface Word {
  /** Null if the picture cannot be read. */
  readonly text: string | null;
  readonly tookMs: number;
}

export interface ReadingThread {
  /** Resolves when the first thread reads, or could not be started. */
  readonly started: Promise<void>;
  /** One picture at a time. A picture that ended the thread cannot be read. Null: there is no thread for now. Never rejects. */
  read(image: string): Promise<Word | null>;
  /** Idempotent. What is being read is given up. */
  close(): Promise<void>;
}

export interface ReadingThreadOptions {
  /** Real pictures take 0.6 ms. Wall time, so there must be room for a machine that is busy with other things. */
  readonly pictureMs: number;
  readonly threadFile: URL;
}

const START_MS = 10_000;
const REST_MS = 1_000;
const MAX_REST_MS = 60_000;
/** From here on losses are a warning. */
const MANY_LOSSES = 3;

export function openReadingThread({ log }: { readonly log: Logger }, { pictureMs, threadFile }: ReadingThreadOptions): ReadingThread {
  let worker: Worker | null = null;
  let ready: Promise<Worker | null> | null = null;
  let hasStarted = false;
  let isClosed = false;
  /** In a row. */
  let losses = 0;
  let restsUntil = 0;
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
    // No environment: there are secrets in it, and pictures come from outside.
    const opened = new Worker(threadFile, { env: {}, execArgv: [] });
    worker = opened;
    opened.unref();
    opened.on('error', () => undefined); // who waits for a word hears of it; between two pictures the exit tells enough
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
    const restMs = Math.min(MAX_REST_MS, REST_MS * 2 ** (losses - 1));
    restsUntil = performance.now() + restMs;
    const facts = { losses, restMs, ...errorFields(error) };
    if (hasStarted)
      log[losses < MANY_LOSSES ? 'info' : 'warn'](facts, 'the thread that reads codes was lost; it starts again after a rest');
    else log[losses === 1 ? 'error' : 'debug'](facts, 'codes cannot be read; they are shown as pictures only, and it is tried again');
  }

  ready = start();
  return {
    started: ready.then(() => undefined),

    async read(image) {
      if (ready === null && (isClosed || performance.now() < restsUntil)) return null;
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

/** What the thread says next. @throws {Error} if it ends before, or says nothing for so long. */
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
    const onTime = (): void => settle(() => reject(new Error(`expected an answer within ${withinMs} ms, and none came`)));
    // Where this process itself stood still, the answer may be there already: it is looked for once more.
    const timer = setTimeout(() => setImmediate(onTime), withinMs);
    worker.on('message', onWord).on('error', onError).on('exit', onExit);
  });
}
