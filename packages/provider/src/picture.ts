import { hash } from 'node:crypto';

/** A picture that is safe to pass on: it is a PNG and small enough to decode. */
export interface Picture {
  /** `data:image/png;base64,…` */
  readonly image: string;
  /** base64url of the first 12 bytes of the SHA-256 of the picture's bytes. */
  readonly digest: string;
}

/**
 * A picture of a few kilobytes may declare gigapixels, which its decoder would have to allocate.
 * Real codes are some hundred pixels wide.
 */
export const MAX_PICTURE_SIDE = 4_096;

const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** The length and name of the header chunk, which must be the first. */
const IHDR = Buffer.from([0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]);
/** The signature, the head of the chunk, 13 bytes of header, and the checksum. */
const MIN_PNG_BYTES = 33;
const DIGEST_CHARACTERS = 16;

/**
 * Reads a PNG in base64 as the provider sends it, without a prefix. Returns null if it is not
 * exactly that.
 */
export function parsePicture(base64: string): Picture | null {
  const bytes = Buffer.from(base64, 'base64');
  if (!isPng(bytes)) return null;
  // The decoder skips invalid characters. Only encoding the result again shows that it skipped
  // none.
  if (bytes.toString('base64') !== base64) return null;
  return { image: `data:image/png;base64,${base64}`, digest: hash('sha256', bytes, 'base64url').slice(0, DIGEST_CHARACTERS) };
}

function isPng(bytes: Buffer): boolean {
  if (bytes.length < MIN_PNG_BYTES) return false;
  if (!bytes.subarray(0, 8).equals(PNG_SIGNATURE) || !bytes.subarray(8, 16).equals(IHDR)) return false;
  return isSide(bytes.readUInt32BE(16)) && isSide(bytes.readUInt32BE(20));
}

function isSide(pixels: number): boolean {
  return pixels >= 1 && pixels <= MAX_PICTURE_SIDE;
}
