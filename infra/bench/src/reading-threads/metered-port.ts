/**
 * Measures a reading thread from inside. Each of its answers then says how much CPU time the thread
 * had used when it got the picture. The difference between two pictures is what the first one cost,
 * its message included.
 *
 * Two times around one picture would not do: Linux counts a thread's time when the thread sleeps or
 * at a tick of some milliseconds, and a thread sleeps between two pictures.
 */

import type { MessagePort } from 'node:worker_threads';

/** Part of each answer. */
export interface Metered {
  /** Of the thread since its start. */
  readonly cpuMsBefore: number;
}

/** Call it before the reader listens to the port. */
export function meterPort(port: MessagePort): void {
  let cpuMsBefore = 0;
  port.on('message', () => {
    const { user, system } = process.threadCpuUsage();
    cpuMsBefore = (user + system) / 1_000;
  });
  const post = port.postMessage.bind(port);
  port.postMessage = (answer: object) => post({ ...answer, cpuMsBefore } satisfies Metered);
}
