/**
 * Bodies of the provider's notifications. None is refused for what it holds, whatever type or charset it declares: the provider would send
 * it again for a day, and hold back all that follows. What is JSON in UTF-8 is kept as it came, for it becomes a part of our own JSON. The
 * rest is read as far as it can be, for the state that it may tell.
 */

import type { Readable } from 'node:stream';
import { RefusedError } from '@qrcast/core/errors';
import { decodeUtf8, withoutMark } from '@qrcast/core/utf8';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { holdsAtMost } from './json-size.ts';

/** Messages with thumbnails come this way too, and one that is refused comes again and again, with all behind it held back. */
export const NOTIFICATION_LIMIT_BYTES = 4 * 1024 * 1024;
/** Far more than any message has: what is large in one is a picture or a text. */
const MAX_VALUES = 50_000;

export interface ReadNotification {
  /** As it came, its byte-order mark included; null if it is no JSON in UTF-8, and so cannot be passed on. */
  readonly text: string | null;
  /** Undefined if it is no JSON at all. */
  readonly value: unknown;
  readonly bytes: number;
}

/**
 * `grow` is called before more bytes are kept of a body whose length was not declared; what it throws ends the reading. The bare parser: one
 * that takes names like `__proto__` out walks through all of a large body, and here nothing is read but the fields that the schemas name.
 */
export function parseNotifications(
  scope: FastifyInstance,
  grow: (request: FastifyRequest, from: number, to: number) => Promise<void>,
): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', async (request: FastifyRequest, payload: Readable) => {
    const isDeclared = request.headers['content-length'] !== undefined;
    const bytes = await bytesOf(payload, async (from, to) => {
      if (to > NOTIFICATION_LIMIT_BYTES) throw tooLarge(`${NOTIFICATION_LIMIT_BYTES} bytes`);
      if (!isDeclared) await grow(request, from, to);
    });
    return bytes.length === 0 ? undefined : readNotification(bytes);
  });
}

/** @throws {RefusedError} `body_too_large` if parsing it would hold up everybody else. */
function readNotification(bytes: Buffer): ReadNotification {
  const isUtf8 = decodeUtf8(bytes) !== null;
  const text = bytes.toString();
  if (!holdsAtMost(MAX_VALUES, text)) throw tooLarge(`${MAX_VALUES} values`);
  const value = parsedJson(withoutMark(text));
  return { text: isUtf8 && value !== undefined ? text : null, value, bytes: bytes.length };
}

/**
 * `onBytes`: before more of it is kept; what it throws ends the reading.
 * @throws {RefusedError} `invalid_request` if the caller hangs up before its end, which is no fault of ours.
 */
async function bytesOf(payload: Readable, onBytes: (from: number, to: number) => Promise<void>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of payload as AsyncIterable<Buffer>) {
      await onBytes(bytes, bytes + chunk.length);
      bytes += chunk.length;
      chunks.push(chunk);
    }
  } catch (error) {
    throw error === payload.errored ? new RefusedError('invalid_request', 'expected a whole body; the connection ended before') : error;
  }
  return Buffer.concat(chunks);
}

/** Undefined, which no JSON is, where it is none. */
function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const tooLarge = (most: string): RefusedError => new RefusedError('body_too_large', `expected a body of at most ${most}`);
