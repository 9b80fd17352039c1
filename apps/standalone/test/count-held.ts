/**
 * For leak tests: a preload (`--import`) that counts what a process holds. On SIGUSR2 it collects
 * garbage and logs the counts, for test/held.ts. It also logs warnings of Node, such as one about
 * too many listeners.
 *
 * It remembers every emitter and every AbortSignal that somebody listens to, weakly. So it also
 * counts the listeners of objects that the program keeps to itself, such as connections to Redis.
 */

import { EventEmitter, getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** By kind. */
export type Counts = Readonly<Record<string, number>>;

export interface Held {
  /** What keeps the process running: timers, sockets, servers, requests. */
  readonly resources: Counts;
  /** Of all emitters and AbortSignals together, by class and event. */
  readonly listeners: Counts;
}

type Listen = (...args: unknown[]) => unknown;
type Listened = EventEmitter | EventTarget;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void; // the flag --expose-gc defines it

const known = new WeakSet<Listened>();
const listened = new Set<WeakRef<Listened>>();

function remember(one: Listened): void {
  if (known.has(one)) return;
  known.add(one);
  listened.add(new WeakRef(one));
}

/** From now on, each call of the method tells of the object that it is called on. */
function rememberCallsOf(prototype: Listened, name: string): void {
  const original = Reflect.get(prototype, name) as Listen;
  function listen(this: Listened, ...args: unknown[]): unknown {
    remember(this);
    return original.apply(this, args);
  }
  Object.defineProperty(prototype, name, { value: listen, writable: true, configurable: true });
}
for (const name of ['on', 'addListener', 'prependListener']) rememberCallsOf(EventEmitter.prototype, name);
rememberCallsOf(EventTarget.prototype, 'addEventListener');

function add(counts: Record<string, number>, name: string, count: number): void {
  if (count > 0) counts[name] = (counts[name] ?? 0) + count;
}

function countListeners(): Counts {
  const counts: Record<string, number> = {};
  for (const reference of listened) {
    const one = reference.deref();
    if (one === undefined) listened.delete(reference);
    else if (one instanceof AbortSignal) add(counts, 'AbortSignal abort', getEventListeners(one, 'abort').length);
    else if (one instanceof EventEmitter) {
      for (const event of one.eventNames()) add(counts, `${one.constructor.name} ${String(event)}`, one.listenerCount(event));
    }
  }
  return counts;
}

function countResources(): Counts {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) add(counts, kind, 1);
  return counts;
}

export function countHeld(): Held {
  collect();
  return { resources: countResources(), listeners: countListeners() };
}

const log = (msg: string, fields: object): boolean => process.stdout.write(`${JSON.stringify({ level: 30, msg, ...fields })}\n`);

let asked = 0;
process.on('SIGUSR2', () => {
  asked += 1;
  log(`held ${asked}`, countHeld());
});
process.on('warning', ({ name, message }) => log('a warning of Node', { name, message }));
