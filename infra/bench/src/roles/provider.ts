/**
 * A minimal provider: a new code per instance every 20 s, and a record of when each instance was
 * asked.
 */

import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Releasers } from '@qrcast/runtime/releasers';
import type { AnsweredCode } from '../code-latencies.ts';
import { monotonicMs, type Spread, spreadOf } from '../measure.ts';
import { serveRole } from '../role-process.ts';
import { type Codes, createOwnCodes, createSharedCodes } from '../rotating-codes.ts';

const KEEP_ALIVE_MS = 120_000;

export interface Asked {
  readonly requests: number;
  /** Between two requests of one instance, ms. */
  readonly gaps: Spread;
}

export type ProviderMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  const record = createRecord();
  let codes: Codes | null = null;

  return {
    /** @param hasOwnPictures whether each code has a picture of its own */
    async start(answerMs: number, hasOwnPictures = false): Promise<{ url: string }> {
      const opened = hasOwnPictures ? createOwnCodes() : createSharedCodes();
      codes = opened;
      const answer = (instance: number, response: ServerResponse): void => {
        const body = opened.answerFor(instance);
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
      };
      const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
        const instance = Number(/^\/waInstance(\d+)\//.exec(request.url ?? '')?.[1]);
        record.note(instance);
        if (answerMs === 0) answer(instance, response);
        else setTimeout(answer, answerMs, instance, response);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      releasers.push('server', () => server.closeAllConnections());
      return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }; // it listens on TCP
    },
    firstAskOf: record.firstAskOf,
    asked: record.asked,
    beginTimes: record.beginTimes,
    times: record.times,
    /** The codes that were given for the first time since the last call, if each has a picture of its own. */
    newCodes: (): readonly AnsweredCode[] => codes?.takeNew() ?? [],
  };
}

/** When each instance was asked. All times are by `monotonicMs`. */
function createRecord() {
  const lastAt = new Map<number, number>();
  const awaited = new Map<number, (at: number) => void>();
  /** Null until somebody wants them, because they are many. */
  let times: Map<number, number[]> | null = null;
  let gaps: number[] = [];
  let requests = 0;

  return {
    note(instance: number): void {
      const now = monotonicMs();
      const last = lastAt.get(instance);
      if (last !== undefined) gaps.push(now - last);
      lastAt.set(instance, now);
      requests++;
      times
        ?.set(instance, times.get(instance) ?? [])
        .get(instance)
        ?.push(now);
      awaited.get(instance)?.(now);
      awaited.delete(instance);
    },
    /** Waits until the instance is asked. Resolves to that moment. */
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
    /** Begins anew to note the time of each request. */
    beginTimes(): void {
      times = new Map();
    },
    /** Of each instance that was asked since `beginTimes`: its number, and when. */
    times: (): readonly (readonly [instance: number, times: readonly number[]])[] => [...(times ?? [])],
  };
}

serveRole(createMethods);
