/**
 * Reads the bodies of the provider's notifications. No body is refused for its content, or for the
 * type or charset that it declares: the provider would send it again for a day, and hold back
 * everything after it.
 *
 * A body that is JSON in UTF-8 is kept as it came, because it becomes part of JSON of our own. Any
 * other body is read as far as possible, because it may still tell of a state.
 */

import type { Readable } from 'node:stream';
import { RefusedError } from '@qrcast/core/errors';
import { decodeUtf8, withoutMark } from '@qrcast/core/utf8';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { holdsAtMost } from './json-size.ts';

/**
 * Large, because messages with thumbnails come this way too. A refused one is sent again and again,
 * with everything behind it held back.
 */
export const NOTIFICATION_LIMIT_BYTES = 4 * 1024 * 1024;
/** Far more than any message has: a large message holds a picture or a text, not many values. */
const MAX_VALUES = 50_000;

export interface ReadNotification {
  /**
   * As it came, with its byte-order mark; null if it is not JSON in UTF-8, so it cannot be passed
   * on.
   */
  readonly text: string | null;
  /** Undefined if the body is not JSON. */
  readonly value: unknown;
  readonly bytes: number;
}

/**
 * Parses every body in this scope as a notification. `grow` is called before more bytes are kept of
 * a body whose length was not declared. If it throws, reading stops.
 *
 * This uses the bare parser. A parser that removes names like `__proto__` would walk through all of
 * a large body, and here only the fields that the schemas name are read.
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

/** @throws {RefusedError} `body_too_large` if parsing would hold up everybody else. */
function readNotification(bytes: Buffer): ReadNotification {
  const isUtf8 = decodeUtf8(bytes) !== null;
  const text = bytes.toString();
  if (!holdsAtMost(MAX_VALUES, text)) throw tooLarge(`${MAX_VALUES} values`);
  const value = parsedJson(withoutMark(text));
  return { text: isUtf8 && value !== undefined ? text : null, value, bytes: bytes.length };
}

/**
 * `onBytes` is called before more bytes are kept. If it throws, reading stops.
 * @throws {RefusedError} `invalid_request` if the caller disconnects early, which is no fault of
 * ours.
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
    throw error === payload.errored
      ? new RefusedError('invalid_request', 'expected a whole body, but the connection ended before its end; send it again')
      : error;
  }
  return Buffer.concat(chunks);
}

/** Undefined if the text is not JSON; no JSON text means undefined. */
function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const tooLarge = (most: string): RefusedError => new RefusedError('body_too_large', `expected a body of at most ${most}`);
