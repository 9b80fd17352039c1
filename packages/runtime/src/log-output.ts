/**
 * Writes log lines to an output of the process, whose reader may stall or go away. The log never
 * blocks the service. A line is written at once if the output accepts it. Otherwise it is kept, up
 * to a limit, and written later. Lines beyond the limit are dropped and counted.
 */

import type { Writable } from 'node:stream';

/** The limit for lines that are kept. */
const MAX_KEPT_BYTES = 1024 * 1024;
/** How long the end of the process waits for kept lines. */
const FLUSH_WITHIN_MS = 1_000;

export interface LogOutput {
  write(line: string): void;
  /** Calls back when nothing is kept, or after a second. pino calls it. */
  flush(done: () => void): void;
}

/** `onDropped` gets the number of dropped lines when the output accepts lines again. */
export function createLogOutput(stream: Writable, onDropped: (lines: number) => void): LogOutput {
  let dropped = 0;
  // The reader has gone (EPIPE) or a disk is full, and there is no other place to report it.
  stream.on('error', () => undefined);
  stream.on('drain', () => {
    if (dropped === 0) return;
    const lines = dropped;
    dropped = 0;
    onDropped(lines);
  });

  return {
    write(line) {
      if (stream.writableLength > MAX_KEPT_BYTES) dropped += 1;
      else stream.write(line);
    },
    flush(done) {
      if (stream.writableLength === 0) return done();
      const end = (): void => {
        clearTimeout(timer);
        for (const event of ['drain', 'error']) stream.off(event, end);
        done();
      };
      const timer = setTimeout(end, FLUSH_WITHIN_MS);
      for (const event of ['drain', 'error']) stream.on(event, end);
    },
  };
}
