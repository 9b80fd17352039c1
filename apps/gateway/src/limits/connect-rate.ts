/**
 * Bounds how many streams and held requests begin in a second at this gateway. After an outage all
 * clients come at once, and each costs a check of its ticket, several calls to Redis and a first
 * state. Beyond the rate they are told to come later, before any of that. Those that are connected
 * and the calls of the API are served meanwhile.
 *
 * A rate alone does not help a machine that is slower than the rate: what it has admitted waits
 * until clients give up. So the rate is counted by spare time (`spareTimeMs`).
 *
 * Call it after the limit of the address, so that one address cannot use up what all share.
 */

import type { ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Duplex } from 'node:stream';
import { RefusedError, toProblem } from '@qrcast/core/errors';
import type { Logger } from '@qrcast/runtime/log';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { createThrottledWarning } from './throttled-warning.ts';
import { spendToken, waitForTokenMs } from './token-bucket.ts';

export interface ConnectRate {
  /** Counts one that begins. Returns null to go on, or why it is refused. */
  refuse(): RefusedError | null;
}

export interface ConnectRateDeps {
  /** Half as many may come at once. */
  readonly perSecond: number;
  readonly log: Logger;
  /** Ms; need not be the time of day. */
  readonly now: () => number;
  /** Ms; runs slower than `now` while this process is busy. */
  readonly spareTimeMs: () => number;
  /** From [0, 1). */
  readonly random?: () => number;
}

/** Those that are refused return spread over this. */
const RETRY_FROM_MS = 1_000;
const RETRY_TO_MS = 5_000;

/** More at once would hold up the others for longer. */
const BURST_SECONDS = 0.5;
/** While this process has no moment to spare, so much of the rate is left. */
const BUSY_SHARE = 0.1;

/** A clock that runs at full speed while the event loop waits, and slowly while it works. */
export function spareTimeMs(): number {
  const { idle, active } = performance.eventLoopUtilization();
  return idle + active * BUSY_SHARE;
}

export function createConnectRate({ perSecond, log, now, spareTimeMs, random = Math.random }: ConnectRateDeps): ConnectRate {
  const burst = Math.max(1, perSecond * BURST_SECONDS);
  const rate = { burst, fillMs: perSecond === Number.POSITIVE_INFINITY ? 0 : (burst / perSecond) * 1_000 };
  const warn = createThrottledWarning({ log, now }, 'more clients connect than QRCAST_CONNECTS_PER_SECOND; the rest comes later');
  let fullAt = Number.NEGATIVE_INFINITY;
  return {
    refuse() {
      const at = spareTimeMs();
      if (waitForTokenMs(fullAt, rate, at) === 0) {
        fullAt = spendToken(fullAt, rate, at);
        return null;
      }
      warn({ perSecond });
      const retryAfterMs = Math.round(RETRY_FROM_MS + random() * (RETRY_TO_MS - RETRY_FROM_MS));
      return new RefusedError('unavailable', 'too many clients connect to this gateway at once; connect again', { retryAfterMs });
    },
  };
}

/** Refuses event streams and held requests. `onRequest` hooks added before run first. */
export function addConnectRate(app: FastifyInstance, rate: ConnectRate): void {
  app.addHook('onRequest', async (request) => {
    const refusal = beginsWatch(request) ? rate.refuse() : null;
    if (refusal !== null) throw refusal;
  });
}

function beginsWatch({ method, routeOptions, query }: FastifyRequest): boolean {
  if (method !== 'GET') return false;
  if (routeOptions.url === '/v1/sessions/:id/events') return true;
  const { wait = '0' } = query as { readonly wait?: unknown }; // as the router has parsed it
  return routeOptions.url === '/v1/sessions/:id' && wait !== '0';
}

export const retryAfterSeconds = ({ retryAfterMs = 0 }: RefusedError): string => String(Math.ceil(retryAfterMs / 1000));

/** Answers a handshake that is no route. */
export function answerBusy(response: ServerResponse, refusal: RefusedError): void {
  response.writeHead(503, {
    'Content-Type': 'application/problem+json; charset=utf-8',
    'Cache-Control': 'no-store',
    'Retry-After': retryAfterSeconds(refusal),
  });
  response.end(JSON.stringify(toProblem(refusal)));
}

/** The same for one that wants to be upgraded. */
export function answerBusyUpgrade(socket: Duplex, refusal: RefusedError): void {
  const fields = ['Connection: close', 'Content-Length: 0', `Retry-After: ${retryAfterSeconds(refusal)}`];
  socket.once('error', () => undefined); // the client has gone
  socket.end(`HTTP/1.1 503 Service Unavailable\r\n${fields.join('\r\n')}\r\n\r\n`, () => socket.destroy());
}
