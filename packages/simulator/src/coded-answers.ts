/**
 * Changes answers as proxies in front of the provider do: with content codings (RFC 9110, 8.4), or
 * with a byte-order mark.
 */
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import type { Reply } from './reply.ts';

type Coder = (body: Buffer) => Buffer;

const CODERS = {
  gzip: [['gzip', gzipSync]],
  deflate: [['deflate', deflateSync]],
  brotli: [['br', brotliCompressSync]],
  twoCodings: [
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ],
  /** No client supports this coding any more, so the content does not matter. */
  compress: [['compress', gzipSync]],
} as const satisfies Record<string, readonly (readonly [name: string, coder: Coder])[]>;

/** Encodes the reply, whatever codings the client accepts. */
export function coded(reply: Reply, by: keyof typeof CODERS): Reply {
  const coders: readonly (readonly [string, Coder])[] = CODERS[by];
  const body = coders.reduce<Buffer>((bytes, [, coder]) => coder(bytes), Buffer.from(reply.body));
  return { ...reply, headers: { ...reply.headers, 'content-encoding': coders.map(([name]) => name).join(', ') }, body };
}

export function marked(reply: Reply): Reply {
  return { ...reply, body: Buffer.concat([Buffer.from('\uFEFF'), Buffer.from(reply.body)]) };
}
