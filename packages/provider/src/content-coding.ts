/**
 * Decodes the content codings of answers. Proxies in front of a provider compress whatever a
 * request allows, and some do it without being asked (RFC 9110, 8.4). A small answer can decode to
 * gigabytes, so the size is limited at every step.
 */

import { promisify } from 'node:util';
import { brotliDecompress, inflate, inflateRaw, zstdDecompress } from 'node:zlib';
import { decodeGzip } from './gzip.ts';

/** The header `Accept-Encoding` of the requests. */
export const ACCEPT_ENCODING = 'gzip, deflate, br';

export type Decoded =
  | { readonly kind: 'decoded'; readonly bytes: Buffer }
  /** Truncated, damaged, too large, or not what the header says. */
  | { readonly kind: 'undecodable' }
  /** `coding` is safe to log. */
  | { readonly kind: 'unknownCoding'; readonly coding: string };

type Decode = (bytes: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;

const decodeZlib: Decode = promisify(inflate);
const decodeRaw: Decode = promisify(inflateRaw);
const DECODERS: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ['gzip', decodeGzip],
  ['x-gzip', decodeGzip],
  // `deflate` has a zlib header by the standard, but some servers leave it out.
  ['deflate', (bytes, options) => (hasZlibHead(bytes) ? decodeZlib : decodeRaw)(bytes, options)],
  ['br', promisify(brotliDecompress)],
  ['zstd', promisify(zstdDecompress)], // some proxies send it without being asked
]);
/** One is normal. Each further one multiplies the size that a small body can reach. */
const MAX_CODINGS = 3;
const CODING = /^[a-z0-9-]{1,32}$/;

/** The codings that a `Content-Encoding` names, in the order they were applied. */
export function codingsIn(header: string | readonly string[] | undefined): readonly string[] {
  const names = [header ?? []].flat().flatMap((value) => value.split(','));
  return names.map((name) => name.trim().toLowerCase()).filter((name) => name !== '' && name !== 'identity');
}

/** Never rejects. @param maxBytes limits the decoded body, also between two codings */
export async function decodeBody(body: Buffer, codings: readonly string[], maxBytes: number): Promise<Decoded> {
  if (body.length === 0) return { kind: 'decoded', bytes: body };
  if (codings.length > MAX_CODINGS) return { kind: 'unknownCoding', coding: `more than ${MAX_CODINGS}` };
  const unknown = codings.find((coding) => !DECODERS.has(coding));
  if (unknown !== undefined) return { kind: 'unknownCoding', coding: CODING.test(unknown) ? unknown : 'malformed' };
  try {
    let bytes = body;
    for (const coding of codings.toReversed()) bytes = (await DECODERS.get(coding)?.(bytes, { maxOutputLength: maxBytes })) ?? bytes;
    return { kind: 'decoded', bytes };
  } catch {
    return { kind: 'undecodable' }; // the error of zlib says nothing more
  }
}

/** RFC 1950: the method is 8, and both bytes together are a multiple of 31. */
function hasZlibHead([first = 0, second = 0]: Buffer): boolean {
  return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
}
