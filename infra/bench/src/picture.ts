/**
 * PNG pictures as large as those of real codes. Their pixels are noise, so that nothing can
 * compress them.
 */

import { randomBytes } from 'node:crypto';
import { crc32, deflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Black and white: 172 × 22 bytes, about 5 kB as base64. */
const SIDE = 172;
const ROW_BYTES = 1 + Math.ceil(SIDE / 8);
const BLACK_AND_WHITE = [1, 0, 0, 0, 0];

/**
 * @returns a valid PNG, different each time, as bare base64. The provider sends it in this form.
 */
export function createPicture(): string {
  const rows = Buffer.alloc(ROW_BYTES * SIDE);
  for (let row = 0; row < SIDE; row++) randomBytes(ROW_BYTES - 1).copy(rows, row * ROW_BYTES + 1);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(SIDE, 0);
  header.writeUInt32BE(SIDE, 4);
  const chunks = [
    chunk('IHDR', Buffer.concat([header, Buffer.from(BLACK_AND_WHITE)])),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ];
  return Buffer.concat([SIGNATURE, ...chunks]).toString('base64');
}

export function createPictures(count: number): readonly string[] {
  return Array.from({ length: count }, createPicture);
}

function chunk(name: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}
