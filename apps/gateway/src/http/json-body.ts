/** Bodies of the API: one JSON object in UTF-8. Everything else is refused before a route sees it, so that nothing half read is acted on. */

import { RefusedError } from '@qrcast/core/errors';
import { decodeUtf8, isUtf8Declared } from '@qrcast/core/utf8';
import type { FastifyInstance, FastifyRequest } from 'fastify';

export function addJsonParser(app: FastifyInstance): void {
  app.removeContentTypeParser('text/plain');
  // What `fetch` declares of an empty text.
  app.addContentTypeParser('text/plain', { parseAs: 'buffer' }, (_request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else done(new RefusedError('invalid_request', 'expected the header Content-Type: application/json'));
  });
  const parse = app.getDefaultJsonParser('remove', 'remove');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    let text: string;
    try {
      text = textOf(request, body as Buffer); // as `parseAs` says
    } catch (error) {
      return done(error as Error, undefined);
    }
    // Many clients name a type where there is no body: DELETE, resume.
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
  // The parser would drop a second mark.
  if (text === null || text.startsWith('\uFEFF')) throw new RefusedError('invalid_request', 'expected one JSON object in UTF-8');
  return text;
}
