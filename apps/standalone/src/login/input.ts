/**
 * Where secrets are typed or piped in. A person types unseen at the terminal: stdin if it is one, else the controlling terminal, so that a
 * token can be piped in and a password still be asked for. A program writes lines to stdin.
 */

import { once } from 'node:events';
import { openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { type Readable, Writable } from 'node:stream';
import { ReadStream } from 'node:tty';
import { createUtf8Check, withoutMark } from '@qrcast/core/utf8';
import { usageError } from '../cli-arguments.ts';

export interface Input {
  /** Takes the keyboard until `close()`: what is typed without being asked for disappears, Ctrl-C and Ctrl-D interrupt. */
  takeKeyboard(): void;
  /** A line typed unseen; null if there is no terminal. Rejects when aborted. */
  typed(signal: AbortSignal): Promise<string | null>;
  /** The next line of a stdin that is no terminal; null at its end. Rejects when aborted, and with `usage` if what came is not UTF-8. */
  piped(signal: AbortSignal): Promise<string | null>;
  readonly hasTerminal: boolean;
  close(): void;
}

export interface InputOptions {
  readonly stdin: Readable;
  readonly onInterrupt: () => void;
}

export function createInput({ stdin, onInterrupt }: InputOptions): Input {
  const terminal = stdin instanceof ReadStream ? stdin : controllingTerminal();
  let keyboard: Lines | null = null;
  let lines: Lines | null = null;

  function takeKeyboard(): Lines | null {
    if (terminal !== null) keyboard ??= openKeyboard(terminal, onInterrupt);
    return keyboard;
  }
  function readStdin(): Lines | null {
    if (terminal !== stdin) lines ??= openLines(stdin);
    return lines;
  }
  return {
    hasTerminal: terminal !== null,
    takeKeyboard: () => void takeKeyboard(),
    typed: async (signal) => takeKeyboard()?.next(signal) ?? null,
    piped: async (signal) => readStdin()?.next(signal) ?? null,
    close() {
      keyboard?.close();
      lines?.close();
      if (terminal !== stdin) terminal?.destroy();
    },
  };
}

function controllingTerminal(): ReadStream | null {
  try {
    return new ReadStream(openSync('/dev/tty', 'r+'));
  } catch {
    return null; // a service, a container, Windows: nobody to ask
  }
}

interface Lines {
  next(signal: AbortSignal): Promise<string | null>;
  close(): void;
}

/** Whether what came so far is UTF-8; listens from now on. Call it before anything else reads. */
function watchText(stdin: Readable): () => boolean {
  const check = createUtf8Check();
  let isText = true;
  const look = (chunk?: Uint8Array): void => {
    isText = check(chunk);
  };
  stdin.on('data', look).once('end', () => look());
  return () => isText;
}

function openLines(stdin: Readable): Lines {
  const isText = watchText(stdin);
  let isFirst = true;
  const reader = createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY });
  const lines = reader[Symbol.asyncIterator]();
  let coming: Promise<IteratorResult<string, undefined>> | null = null; // kept when it is not waited for any more: it is the next one's
  return {
    async next(signal) {
      coming ??= lines.next();
      const { value } = await orAborted(coming, signal);
      coming = null;
      if (!isText()) throw usageError('stdin: expected UTF-8 text; what came is in another encoding');
      if (value === undefined) return null;
      const line = isFirst ? withoutMark(value) : value;
      isFirst = false;
      return line;
    },
    close: () => reader.close(),
  };
}

const END_OF_LINE = { ctrl: true, name: 'e' };
const DELETE_TO_START = { ctrl: true, name: 'u' };

/** readline edits the line, unseen, and puts the terminal into raw mode, so that Ctrl-C comes as a key. */
function openKeyboard(terminal: ReadStream, onInterrupt: () => void): Lines {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const editor = createInterface({ input: terminal, output: nowhere, terminal: true, historySize: 0 });
  let isClosed = false;
  editor.on('SIGINT', onInterrupt);
  editor.on('close', () => {
    if (!isClosed) onInterrupt();
  });
  // Ctrl-Z is not offered: a stopped process cannot take a dead code off the screen.
  editor.on('SIGTSTP', () => undefined);
  return {
    async next(signal) {
      editor.write(null, END_OF_LINE);
      editor.write(null, DELETE_TO_START); // typed before it was asked for
      const [line] = (await once(editor, 'line', { signal })) as [string];
      return line;
    },
    close() {
      isClosed = true;
      editor.close();
    },
  };
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.throwIfAborted();
  signal.addEventListener('abort', abort, { once: true });
  return Promise.race([promise, aborted.promise]).finally(() => signal.removeEventListener('abort', abort));
}
