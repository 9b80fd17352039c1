/** For tests: reads one file of a ZIP archive, whose layout is that of PKWARE's APPNOTE, section 4.3. */

import { inflateRawSync } from 'node:zlib';

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const END_BYTES = 22;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
const STORED = 0;

export function extractFile(zip: Buffer, name: string): Buffer {
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]), zip.length - END_BYTES);
  if (end < 0 || zip.readUInt32LE(end) !== END) throw new Error('expected a ZIP archive, but it has no end record');
  let at = zip.readUInt32LE(end + 16);
  while (zip.readUInt32LE(at) === ENTRY) {
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((offset) => zip.readUInt16LE(at + offset)) as [number, number, number];
    if (zip.toString('utf8', at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes) === name) return contentOf(zip, at);
    at += ENTRY_BYTES + nameBytes + extraBytes + commentBytes;
  }
  throw new Error(`expected ${name} in the ZIP archive, but it is not there`);
}

function contentOf(zip: Buffer, entry: number): Buffer {
  const bytes = zip.readUInt32LE(entry + 20);
  const local = zip.readUInt32LE(entry + 42);
  const begin = local + LOCAL_BYTES + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
  const content = zip.subarray(begin, begin + bytes);
  return zip.readUInt16LE(entry + 10) === STORED ? content : inflateRawSync(content);
}
