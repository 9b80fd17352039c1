/**
 * A text frame as a server sends it (RFC 6455, section 5.2): in one piece, without mask and
 * compression. `ws` makes a head of its own for each viewer, and writes it beside the body. All
 * viewers who are owed the same get these bytes in one write.
 */

import { joinBytes } from '../session-message.ts';

const FIN_TEXT = 0x81;
const LENGTH_16 = 126;
const LENGTH_64 = 127;

/** The longest head: most frames have one of four bytes. */
const HEAD_BYTES = 10;

/** @param parts of the text, to be joined */
export function textFrame(parts: readonly (string | Buffer)[]): Buffer {
  const joined = joinBytes(parts, HEAD_BYTES);
  const length = joined.length - HEAD_BYTES;
  const headBytes = length < LENGTH_16 ? 2 : length < 65_536 ? 4 : HEAD_BYTES;
  const frame = joined.subarray(HEAD_BYTES - headBytes);
  frame[0] = FIN_TEXT;
  if (headBytes === 2) frame[1] = length;
  else if (headBytes === 4) {
    frame[1] = LENGTH_16;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = LENGTH_64;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  return frame;
}
