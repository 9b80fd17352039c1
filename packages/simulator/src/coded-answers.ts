/** Answers as proxies in front of the provider change them: in content codings (RFC 9110, 8.4), or with a byte-order mark. */
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
  /** Nobody reads this one any more, so it does not matter what is in it. */
  compress: [['compress', gzipSync]],
} as const satisfies Record<string, readonly (readonly [name: string, coder: Coder])[]>;

/** The reply in these codings, whatever the client asked for. */
export function coded(reply: Reply, by: keyof typeof CODERS): Reply {
  const coders: readonly (readonly [string, Coder])[] = CODERS[by];
  const body = coders.reduce<Buffer>((bytes, [, coder]) => coder(bytes), Buffer.from(reply.body));
  return { ...reply, headers: { ...reply.headers, 'content-encoding': coders.map(([name]) => name).join(', ') }, body };
}

export function marked(reply: Reply): Reply {
  return { ...reply, body: Buffer.concat([Buffer.from('\uFEFF'), Buffer.from(reply.body)]) };
}
