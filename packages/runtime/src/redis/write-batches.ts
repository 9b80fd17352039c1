/** Several commands in one write to a node. */

import type { Writable } from 'node:stream';
import type { Command } from 'ioredis';

/** An answer that is a redirection settles no command, and a node may be frozen. */
const HOLD_MS = 5;

/**
 * Each write wakes the server and costs it two system calls. So commands of one moment go out
 * together, and if `waitsForAnswers`, those that come until the last batch is answered, too, as in
 * the pipelines that ioredis makes for one server.
 *
 * @param streamOf undefined before it connects; another one after each reconnect
 * @returns is told of each command before it is written
 */
export function writeInBatches(streamOf: () => Writable | undefined, waitsForAnswers: boolean): (command: Command) => void {
  let corked: Writable | null = null;
  let last: Command | null = null;
  /** The batch that is not answered. */
  let awaited: { readonly stream: Writable } | null = null;

  function flush(stream: Writable): void {
    if (corked === stream) corked = null;
    stream.uncork();
    if (!waitsForAnswers || last === null) return;
    const batch = { stream };
    awaited = batch;
    const goOn = (): void => {
      clearTimeout(timer);
      if (awaited !== batch) return;
      awaited = null;
      if (corked === stream) flush(stream);
    };
    const timer = setTimeout(goOn, HOLD_MS);
    last.promise.then(goOn, goOn);
  }

  return (command) => {
    const stream = streamOf();
    if (stream === undefined) return;
    last = command;
    if (corked === stream) return;
    corked = stream;
    stream.cork();
    if (awaited?.stream !== stream) setImmediate(flush, stream);
  };
}
