/**
 * Files that are read once and sent from memory, with an ETag of their content, and gzip for
 * clients that accept it.
 */

import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { entityTagsOf, isMarkedTag } from '@qrcast/core/known-version';
import type { FastifyReply, FastifyRequest } from 'fastify';

export interface StaticFile {
  readonly type: string;
  readonly body: Buffer;
  readonly zipped: Buffer;
  /** Weak, because it names the content in whichever encoding. */
  readonly etag: string;
}

export function createStaticFile(type: string, body: Buffer): StaticFile {
  const digest = createHash('sha256').update(body).digest('base64url').slice(0, 22);
  return { type, body, zipped: gzipSync(body, { level: 9 }), etag: `W/"${digest}"` };
}

/**
 * @param cacheControl does not affect a client that asks again with the ETag: it is answered 304
 */
export function sendStaticFile(request: FastifyRequest, reply: FastifyReply, file: StaticFile, cacheControl: string): FastifyReply {
  reply.header('etag', file.etag).header('cache-control', cacheControl).header('vary', 'accept-encoding');
  if (isKnown(request.headers['if-none-match'], file.etag)) return reply.status(304).send();
  reply.type(file.type);
  return takesGzip(request.headers['accept-encoding']) ? reply.header('content-encoding', 'gzip').send(file.zipped) : reply.send(file.body);
}

/** Compares weakly (RFC 9110, section 13.1.2). Also recognizes a tag that a proxy has marked. */
function isKnown(header: string | undefined, etag: string): boolean {
  const [ours = ''] = entityTagsOf(etag);
  return entityTagsOf(header).some((tag) => tag === '*' || isMarkedTag(tag, ours));
}

function takesGzip(header: string | string[] | undefined): boolean {
  return String(header ?? '')
    .split(',')
    .some((coding) => /^\s*gzip\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/i.test(coding));
}
