/**
 * A text frame as a server sends it (RFC 6455, section 5.2): in one piece, without mask and
 * compression. `ws` makes a head of its own for each viewer, and writes it beside the body. All
 * viewers who are owed the same get these bytes in one write.
 *
 * Most frames are gone when their write returns: the kernel has them. So a frame is written into the
 * memory of the one before. New memory for each would make the garbage collector run for its sake.
 */

import type { Duplex } from 'node:stream';
import { lengthOf, type TextParts, writeParts } from '../session-message.ts';

const FIN_TEXT = 0x81;
const LENGTH_16 = 126;
const LENGTH_64 = 127;

export function textFrame(parts: TextParts): Buffer {
  return writeFrame(parts, lengthOf(parts), (length) => Buffer.allocUnsafeSlow(length)); // of its own memory, because it may be kept for long
}

export interface FrameMemory<Message> {
  /** The frame of the message. It holds until the next call with another message. */
  frameOf(message: Message): Buffer;
  /** The last frame is still needed: its memory is left to it. */
  leave(): void;
}

/** The next frame may be a little larger. */
const STEP = 1_024;
/** Frames without a picture have a memory of their own. A slow reader of one would hold a large one. */
const SMALL_BYTES = 2_048;

export function createFrameMemory<Message extends object>(partsOf: (message: Message) => TextParts): FrameMemory<Message> {
  let small = Buffer.alloc(0);
  let large = Buffer.alloc(0);
  let made: { readonly message: Message; readonly frame: Buffer } | null = null;

  function take(length: number): Buffer {
    if (length <= SMALL_BYTES) {
      if (small.length === 0) small = Buffer.allocUnsafeSlow(SMALL_BYTES);
      return small.subarray(0, length);
    }
    if (large.length < length || large.length > 4 * length) large = Buffer.allocUnsafeSlow(Math.ceil(length / STEP) * STEP);
    return large.subarray(0, length);
  }

  return {
    frameOf(message) {
      if (made?.message === message) return made.frame;
      made = null; // its bytes are written over
      const parts = partsOf(message);
      const frame = writeFrame(parts, lengthOf(parts), take);
      made = { message, frame };
      return frame;
    },
    leave() {
      small = Buffer.alloc(0);
      large = small;
    },
  };
}

/**
 * Sends the frame of a message. `ask`: asks whether it was read, and goes out in the same write.
 * Returns the bytes of the frame.
 *
 * @param socket of a WebSocket that compresses nothing: what it sends goes out at once, in this order
 */
export function sendFrame<Message extends object>(socket: Duplex, frames: FrameMemory<Message>, message: Message, ask: () => void): number {
  const frame = frames.frameOf(message);
  const bytes = frame.length;
  socket.cork();
  socket.write(frame);
  ask();
  socket.uncork();
  if (socket.writableLength > 0) frames.leave(); // the kernel did not take all of it
  return bytes;
}

function writeFrame(parts: TextParts, length: number, take: (length: number) => Buffer): Buffer {
  const headBytes = length < LENGTH_16 ? 2 : length < 65_536 ? 4 : 10;
  const frame = take(headBytes + length);
  frame[0] = FIN_TEXT;
  if (headBytes === 2) frame[1] = length;
  else if (headBytes === 4) {
    frame[1] = LENGTH_16;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = LENGTH_64;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  writeParts(parts, frame, headBytes);
  return frame;
}
