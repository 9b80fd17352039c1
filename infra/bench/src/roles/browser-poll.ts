/**
 * The rival without a gateway: each viewer polls the provider itself, as a page would that was given
 * the token. It has a connection of its own, and moments of its own within the interval.
 */

import type { Releasers } from '@qrcast/runtime/releasers';
import { Client } from 'undici';
import { keyOf, type SeenCode } from '../code-latencies.ts';
import { monotonicMs } from '../measure.ts';
import { serveRole } from '../role-process.ts';
import { apiTokenOf } from '../seed.ts';

const KEEP_ALIVE_MS = 60_000;

export type BrowserPollMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  let seen: SeenCode[] = [];
  let failed = 0;

  function open(origin: string, instance: number, intervalMs: number): void {
    const client = new Client(origin, { pipelining: 1, keepAliveTimeout: KEEP_ALIVE_MS });
    const path = `/waInstance${instance}/qr/${apiTokenOf(instance)}`;
    let dueAt = performance.now() + Math.random() * intervalMs;
    let shown = '';
    let timer: NodeJS.Timeout;

    async function ask(): Promise<void> {
      const { body } = await client.request({ path, method: 'GET' });
      const { message } = JSON.parse(await body.text()) as { readonly message: string }; // the role provider sends nothing else
      const key = keyOf(message);
      if (key !== shown) seen.push([instance, key, monotonicMs()]);
      shown = key;
    }
    function poll(): void {
      dueAt += intervalMs;
      timer = setTimeout(poll, dueAt - performance.now());
      ask().catch(() => failed++); // the benchmark reports how many
    }
    timer = setTimeout(poll, dueAt - performance.now());
    releasers.push(`viewer of ${instance}`, () => {
      clearTimeout(timer);
      return client.destroy();
    });
  }

  return {
    /** Opens `each` viewers for each of `count` instances. */
    start(origin: string, from: number, count: number, each: number, intervalMs: number): void {
      for (let viewer = 0; viewer < count * each; viewer++) open(origin, from + (viewer % count), intervalMs);
    },

    /** The codes that were new to a viewer since the last call. */
    take(): readonly SeenCode[] {
      const taken = seen;
      seen = [];
      return taken;
    },

    /** Requests that had no answer. */
    failed: (): number => failed,
  };
}

serveRole(createMethods);
