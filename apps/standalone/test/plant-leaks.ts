/**
 * For the twins of leak tests: a preload (`--import`) that leaks on every SIGWINCH: a timer, a
 * listener to a signal that never comes, and more listeners of one emitter than Node puts up with.
 */

import { EventEmitter } from 'node:events';

const TOO_MANY = 11;
const emitter = new EventEmitter();
const never = new AbortController();

process.on('SIGWINCH', () => {
  setInterval(() => undefined, 3_600_000);
  never.signal.addEventListener('abort', () => undefined);
  for (let n = 0; n < TOO_MANY; n++) emitter.on('planted', () => undefined);
});
