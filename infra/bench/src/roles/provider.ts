/**
 * A minimal provider: ready-made answers, a new code per instance every 20 s, and a record of when
 * each instance was asked.
 */

import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Releasers } from '@qrcast/runtime/releasers';
import { monotonicMs, type Spread, spreadOf } from '../measure.ts';
import { createPictures } from '../picture.ts';
import { serveRole } from '../role-process.ts';

const PICTURES = 256;
const ROTATE_EVERY_MS = 20_000;
const KEEP_ALIVE_MS = 120_000;

export interface Asked {
  readonly requests: number;
  /** Between two requests of one instance, ms. */
  readonly gaps: Spread;
}

export type ProviderMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  const lastAt = new Map<number, number>();
  const awaited = new Map<number, (at: number) => void>();
  let gaps: number[] = [];
  let requests = 0;

  function note(instance: number): void {
    const now = monotonicMs();
    const last = lastAt.get(instance);
    if (last !== undefined) gaps.push(now - last);
    lastAt.set(instance, now);
    requests++;
    awaited.get(instance)?.(now);
    awaited.delete(instance);
  }

  return {
    async start(answerMs: number): Promise<{ url: string }> {
      const answers = createPictures(PICTURES).map((message) => Buffer.from(JSON.stringify({ type: 'qrCode', message })));
      const answer = (instance: number, response: ServerResponse): void => {
        // Each instance changes its code at its own moments.
        const turn = Math.floor((Date.now() + ((instance * 7_919) % ROTATE_EVERY_MS)) / ROTATE_EVERY_MS);
        const body = answers[(turn + instance) % PICTURES];
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': body?.length }).end(body);
      };
      const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
        const instance = Number(/^\/waInstance(\d+)\//.exec(request.url ?? '')?.[1]);
        note(instance);
        if (answerMs === 0) answer(instance, response);
        else setTimeout(answer, answerMs, instance, response);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      releasers.push('server', () => server.closeAllConnections());
      return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }; // it listens on TCP
    },
    /** Waits until the instance is asked. Resolves to that moment, by `monotonicMs`. */
    firstAskOf(instance: number): Promise<number> {
      const known = lastAt.get(instance);
      return known === undefined ? new Promise((resolve) => awaited.set(instance, resolve)) : Promise.resolve(known);
    },
    /** What was asked since the last call. */
    asked(): Asked {
      const asked = { requests, gaps: spreadOf(gaps) };
      gaps = [];
      requests = 0;
      return asked;
    },
  };
}

serveRole(createMethods);
