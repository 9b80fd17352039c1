/**
 * Runs inside a role's process. It serves the role's methods to the parent process, and ends with
 * it.
 */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { errorFields } from '@qrcast/runtime/log';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';

export interface Usage {
  /** Of all threads, user and system time. */
  readonly cpuMs: number;
  readonly rssBytes: number;
}

/** What is left after a collection. */
export interface Memory {
  /** Objects of JavaScript, and the buffers that they hold. */
  readonly heapBytes: number;
  readonly rssBytes: number;
}

export interface RoleRequest {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

export type RoleReply =
  | { readonly kind: 'up' }
  | { readonly kind: 'result'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: string };

const RELEASE_WITHIN_MS = 8_000;
const LOOP_RESOLUTION_MS = 10;
/** What the finalizers of one collection free, the next one takes. */
const COLLECTIONS = 2;
/** Freed pages are given back in the background. */
const FREED_WITHIN_MS = 500;

/**
 * Takes over the process. Whatever the methods push to the releasers is released when the parent
 * disconnects.
 */
export function serveRole<M extends object>(createMethods: (releasers: Releasers) => M): void {
  const releasers = createReleasers();
  // A role whose work is done by another program has a usage of its own.
  const methods = { usage, stallMs, memory, ...createMethods(releasers) } as unknown as Record<
    string,
    (...args: readonly unknown[]) => unknown
  >;
  const reply = (message: RoleReply): void => void process.send?.(message);

  process.on('SIGINT', () => undefined); // Ctrl-C reaches the whole process group; the parent ends the roles in order
  process.on('disconnect', () => {
    setTimeout(() => process.exit(1), RELEASE_WITHIN_MS).unref();
    releasers.release().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
  process.on('message', ({ id, method, args }: RoleRequest) => {
    Promise.resolve()
      .then(() => methods[method]?.(...args))
      .then(
        (value) => reply({ kind: 'result', id, value }),
        (error: unknown) => reply({ kind: 'error', id, error: errorFields(error).error }),
      );
  });
  reply({ kind: 'up' });
}

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpuMs: (user + system) / 1000, rssBytes: process.memoryUsage.rss() };
}

/**
 * Collects garbage first. A regular collection keeps free pages for what comes next, and how many it
 * keeps differs from time to time. One of the last resort gives them back, as an idle process does
 * after a while. @throws {Error} without Node's flag `--expose-gc`
 */
async function memory(): Promise<Memory> {
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error('expected the flag --expose-gc; add it to nodeFlags');
  for (let times = 0; times < COLLECTIONS; times++) {
    await collect({ type: 'major', execution: 'async', flavor: 'last-resort' });
    await delay(FREED_WITHIN_MS);
  }
  const { heapUsed, external, rss } = process.memoryUsage(); // `external` includes the array buffers
  return { heapBytes: heapUsed + external, rssBytes: rss };
}

let loop: ReturnType<typeof monitorEventLoopDelay> | null = null;

/** Watching the loop costs some CPU time, so it begins with the first call. */
function stallMs(): number {
  loop ??= monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  loop.enable();
  const longest = Math.max(0, loop.max / 1e6 - LOOP_RESOLUTION_MS);
  loop.reset();
  return longest;
}
