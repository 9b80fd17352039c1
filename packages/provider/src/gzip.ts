/**
 * Decodes gzip (RFC 1952), and ignores bytes after its end, such as a line end that a server's
 * template added. Node takes them for another member and fails. For other codings Node itself
 * ignores them.
 */

import { promisify } from 'node:util';
import { gunzip, inflateRaw } from 'node:zlib';

interface Limit {
  readonly maxOutputLength: number;
}

const HEAD = Buffer.from([0x1f, 0x8b, 8]);
const FIXED_BYTES = 10;
/** The checksum and the length. */
const TRAILER_BYTES = 8;
const HAS = { headChecksum: 0x02, extra: 0x04, name: 0x08, comment: 0x10 } as const;

const decodeMembers = promisify(gunzip);

/** Rejects if the data is truncated or damaged, or decodes to more than the limit. */
export async function decodeGzip(bytes: Buffer, limit: Limit): Promise<Buffer> {
  try {
    return await decodeMembers(bytes, limit);
  } catch (fault) {
    const end = await endOfFirst(bytes, limit);
    // There is nothing after the first member, or another member that is truncated or damaged.
    if (end >= bytes.length || isMember(bytes.subarray(end))) throw fault;
    return decodeMembers(bytes.subarray(0, end), limit); // this checks the trailer
  }
}

const isMember = (bytes: Buffer): boolean => bytes.subarray(0, HEAD.length).equals(HEAD);

/** The position after the first member. */
function endOfFirst(bytes: Buffer, limit: Limit): Promise<number> {
  const start = startOfData(bytes);
  return new Promise((resolve, reject) => {
    inflateRaw(bytes.subarray(start), { ...limit, info: true }, (fault, result) => {
      if (fault !== null) return reject(fault);
      const { engine } = result as unknown as { readonly engine: { readonly bytesWritten: number } }; // as `info` says
      resolve(start + engine.bytesWritten + TRAILER_BYTES);
    });
  });
}

function startOfData(bytes: Buffer): number {
  const flags = bytes[3] ?? 0;
  let at = FIXED_BYTES;
  if ((flags & HAS.extra) !== 0 && at + 2 <= bytes.length) at += 2 + bytes.readUInt16LE(at);
  for (const text of [HAS.name, HAS.comment]) {
    if ((flags & text) !== 0) at = bytes.indexOf(0, at) + 1; // 0 if the text has no end; inflating then fails
  }
  return (flags & HAS.headChecksum) === 0 ? at : at + 2;
}
