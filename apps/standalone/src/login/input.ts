/**
 * Reads secrets that are typed or piped in. A person types at the terminal without seeing the text.
 * The terminal is stdin or else the controlling terminal, so that a token can be piped in and the
 * password can still be asked for. A program writes lines to stdin.
 */

import { once } from 'node:events';
import { openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { type Readable, Writable } from 'node:stream';
import { ReadStream } from 'node:tty';
import { createUtf8Check, withoutMark } from '@qrcast/core/utf8';
import { usageError } from '../option-rules.ts';

export interface Input {
  /**
   * Takes the keyboard until `close()`. Text that nobody asked for disappears; Ctrl-C and Ctrl-D
   * interrupt.
   */
  takeKeyboard(): void;
  /**
   * Resolves to a line that is not shown, or to null if there is no terminal. Rejects when the
   * signal aborts.
   */
  typed(signal: AbortSignal): Promise<string | null>;
  /**
   * Resolves to the next line of a stdin that is no terminal, or to null at its end. Rejects when
   * the signal aborts, and with `usage` if the text is not UTF-8.
   */
  piped(signal: AbortSignal): Promise<string | null>;
  /**
   * Takes the keyboard, and calls the listener with each key that makes a character.
   *
   * @returns its undo
   */
  onKey(listener: (character: string) => void): () => void;
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
    onKey(listener) {
      takeKeyboard(); // its readline tells the terminal's keys
      const tell = (character: string | undefined): void => void (character !== undefined && listener(character));
      terminal?.on('keypress', tell);
      return () => void terminal?.off('keypress', tell);
    },
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
    return null; // a service, a container or Windows: there is nobody to ask
  }
}

interface Lines {
  next(signal: AbortSignal): Promise<string | null>;
  close(): void;
}

/**
 * @returns whether the text so far is UTF-8. Call it before anything else reads: it listens from
 * then on.
 */
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
  let coming: Promise<IteratorResult<string, undefined>> | null = null; // if nobody waits any more, the line is kept for the next caller
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

/**
 * readline edits the line without showing it. It puts the terminal into raw mode, so that Ctrl-C
 * arrives as a key.
 */
function openKeyboard(terminal: ReadStream, onInterrupt: () => void): Lines {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const editor = createInterface({ input: terminal, output: nowhere, terminal: true, historySize: 0 });
  let isClosed = false;
  editor.on('SIGINT', onInterrupt);
  editor.on('close', () => {
    if (!isClosed) onInterrupt();
  });
  // Ctrl-Z does nothing: a stopped process could not remove an expired code from the screen.
  editor.on('SIGTSTP', () => undefined);
  return {
    async next(signal) {
      editor.write(null, END_OF_LINE);
      editor.write(null, DELETE_TO_START); // typed before anybody asked for it
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
