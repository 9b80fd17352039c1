/**
 * Parses bodies of API calls: one JSON object in UTF-8. Everything else is refused before a route
 * sees it, so that no route acts on a body that was only partly understood.
 */

import { RefusedError } from '@qrcast/core/errors';
import { decodeUtf8, isUtf8Declared } from '@qrcast/core/utf8';
import type { FastifyInstance, FastifyRequest } from 'fastify';

export function addJsonParser(app: FastifyInstance): void {
  app.removeContentTypeParser('text/plain');
  // `fetch` declares this type for an empty string.
  app.addContentTypeParser('text/plain', { parseAs: 'buffer' }, (_request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else done(new RefusedError('invalid_request', 'expected the header Content-Type: application/json'));
  });
  const parse = app.getDefaultJsonParser('remove', 'remove');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    let text: string;
    try {
      text = textOf(request, body as Buffer); // `parseAs` makes it a buffer
    } catch (error) {
      return done(error as Error, undefined);
    }
    // Many clients declare a type although there is no body, as for DELETE and resume.
    if (text === '') done(null, undefined);
    else void parse(request, text, done);
  });
}

/** @throws {RefusedError} `unsupported_media_type`, `invalid_request`. */
function textOf({ headers }: FastifyRequest, body: Buffer): string {
  if (body.length === 0) return '';
  if (!/^[\s,]*(identity[\s,]*)*$/i.test(headers['content-encoding'] ?? '')) {
    throw new RefusedError('unsupported_media_type', 'expected a body without a content coding; the header Content-Encoding names one');
  }
  if (!isUtf8Declared(headers['content-type'])) {
    throw new RefusedError('unsupported_media_type', 'expected a body in UTF-8; the header Content-Type declares another charset');
  }
  const text = decodeUtf8(body);
  // The decoder dropped one byte-order mark. The parser would silently drop a second one.
  if (text === null || text.startsWith('\uFEFF')) throw new RefusedError('invalid_request', 'expected one JSON object in UTF-8');
  return text;
}
