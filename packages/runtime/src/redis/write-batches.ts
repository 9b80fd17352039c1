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
  /** Has a batch that is not answered. */
  let awaited: Writable | null = null;

  function flush(stream: Writable): void {
    const sent = last;
    if (corked === stream) corked = null;
    stream.uncork();
    if (!waitsForAnswers || sent === null) return;
    awaited = stream;
    const goOn = (): void => {
      clearTimeout(timer);
      if (isOver) return;
      isOver = true;
      if (awaited === stream) awaited = null;
      if (corked === stream) flush(stream);
    };
    let isOver = false;
    const timer = setTimeout(goOn, HOLD_MS);
    sent.promise.then(goOn, goOn);
  }

  return (command) => {
    const stream = streamOf();
    if (stream === undefined) return;
    last = command;
    if (corked === stream) return;
    corked = stream;
    stream.cork();
    if (awaited !== stream) setImmediate(flush, stream);
  };
}
