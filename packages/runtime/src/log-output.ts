/**
 * Where log lines go: an output of the process, whose reader may stall or go. A log never holds up the service that writes it. A line is
 * written at once while there is room; what does not fit is kept up to a bound and written when there is room again; what comes beyond the
 * bound is dropped and counted.
 */

import type { Writable } from 'node:stream';

/** Kept for a reader that has stalled. */
const MAX_KEPT_BYTES = 1024 * 1024;
/** At the end of the process, for what is kept. */
const FLUSH_WITHIN_MS = 1_000;

export interface LogOutput {
  write(line: string): void;
  /** Calls back once nothing is kept, or after a second; as pino calls it. */
  flush(done: () => void): void;
}

/** `onDropped` is told how many lines were dropped, once there is room again. */
export function createLogOutput(stream: Writable, onDropped: (lines: number) => void): LogOutput {
  let dropped = 0;
  // The reader has gone (EPIPE), or a disk is full: there is nobody to tell.
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
