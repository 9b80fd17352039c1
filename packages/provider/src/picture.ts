import { hash } from 'node:crypto';

/** A picture that is safe to hand on: really a PNG, and small enough to decode. */
export interface Picture {
  /** `data:image/png;base64,…` */
  readonly image: string;
  /** base64url of the first 12 bytes of the SHA-256 of the picture's bytes. */
  readonly digest: string;
}

/** A few kilobytes can promise gigapixels; whoever decodes the picture would pay for them. Real codes are some hundred pixels wide. */
export const MAX_PICTURE_SIDE = 4_096;

const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Length and name of the header chunk, which has to be the first. */
const IHDR = Buffer.from([0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]);
/** Signature, chunk head, 13 bytes of header, checksum. */
const MIN_PNG_BYTES = 33;
const DIGEST_CHARACTERS = 16;

/** Reads a bare base64 PNG as the provider sends it; null if it is not exactly that. */
export function parsePicture(base64: string): Picture | null {
  const bytes = Buffer.from(base64, 'base64');
  if (!isPng(bytes)) return null;
  // The decoder skips what it does not understand; only the round trip shows that nothing was skipped.
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
