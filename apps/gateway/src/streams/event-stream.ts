/**
 * Server-Sent Events as an answer: its headers, the comments that keep it open, and its end. What is
 * sent on it is decided elsewhere.
 */

import type { OutgoingHttpHeaders } from 'node:http';
import { type CloseReason, toClosing } from '@qrcast/core/close-codes';
import type { FastifyReply } from 'fastify';
import { CLOSE_WITHIN_MS } from './viewer-connection.ts';

export interface EventStream {
  /** `sent` is called when the kernel has taken all that was written so far. */
  write(text: string | Buffer, sent?: () => void): void;
  /** Ends the stream with the event `closing`. Idempotent. */
  close(reason: CloseReason): void;
  /** The same for a gateway that stops: the client returns after `retryAfterMs`. */
  drain(retryAfterMs: number): void;
}

/** Proxies cut connections that are silent for about half a minute. */
export const COMMENT_EVERY_MS = 15_000;
/**
 * A stock client reconnects after this, unless `draining` names another time. Spread, so that not
 * all return at once.
 */
const RETRY_FROM_MS = 1_000;
const RETRY_TO_MS = 3_000;

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform', // a proxy that compresses would hold events back until it has enough of them
  'x-accel-buffering': 'no', // nginx would buffer the events
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

export function eventText(name: string, data: object, fields = ''): string {
  return `event: ${name}\n${fields}data: ${JSON.stringify(data)}\n\n`;
}

/**
 * Begins the answer. `onOver` is called once, when the stream was closed or the caller has gone.
 */
export function openEventStream(reply: FastifyReply, onOver: (by: CloseReason | 'client') => void): EventStream {
  const response = reply.hijack().raw;
  const { socket } = response;
  let isOver = false;
  const headers = reply.getHeaders() as OutgoingHttpHeaders; // set by the hooks; typed more loosely
  response.writeHead(200, { ...headers, ...HEADERS });
  response.write(`retry: ${Math.round(RETRY_FROM_MS + Math.random() * (RETRY_TO_MS - RETRY_FROM_MS))}\n\n`);
  const comments = setInterval(() => response.write(':\n\n'), COMMENT_EVERY_MS);

  function end(by: CloseReason | 'client'): void {
    if (isOver) return;
    isOver = true;
    clearInterval(comments);
    onOver(by);
  }
  response.once('close', () => end('client'));
  response.on('error', () => undefined); // its close follows

  function close(reason: CloseReason, retryAfterMs?: number): void {
    if (isOver) return;
    end(reason);
    response.end(eventText('closing', toClosing(reason, retryAfterMs)), () => {
      // Kept alive, it would bring the next request to the gateway that is stopping.
      if (reason === 'draining') socket?.destroySoon();
    });
    const timer = setTimeout(() => response.destroy(), CLOSE_WITHIN_MS);
    response.once('close', () => clearTimeout(timer));
  }

  return {
    write(text, sent) {
      response.write(text, (error) => {
        if (!error) sent?.();
      });
    },
    close: (reason) => close(reason),
    drain(retryAfterMs) {
      if (!isOver) response.write(eventText('draining', { retryAfterMs }, `retry: ${retryAfterMs}\n`));
      close('draining', retryAfterMs);
    },
  };
}
