/** The code in the terminal, for the one who starts qrcast with a real instance and a phone at hand. */

import type { WireSession } from '@qrcast/core/wire';
import { decode as decodePng } from 'fast-png';
import encodeQr from 'qr';
import decodeQr from 'qr/decode.js';
import { io, type Socket } from 'socket.io-client';

export interface TerminalOptions {
  readonly url: string;
  readonly ticket: string;
  readonly write: (text: string) => void;
}

/** Prints each new code and each new state. Returns its end. */
export function showInTerminal({ url, ticket, write }: TerminalOptions): () => void {
  const socket: Socket = io(url, { auth: { ticket }, transports: ['websocket'] });
  let shown = '';
  socket.on('session', (session: WireSession) => {
    const text = describe(session);
    if (text !== shown) write(text);
    shown = text;
  });
  return () => {
    socket.disconnect();
  };
}

/** What a person at a terminal needs to know of the session, the code drawn in blocks. */
export function describe(session: WireSession): string {
  switch (session.state) {
    case 'showing': {
      const text = session.code?.image == null ? null : readCode(session.code.image);
      const picture =
        text === null ? '  (the code cannot be drawn here; open the page)' : encodeQr(text, 'term', { ecc: 'low', border: 2 });
      return `\n${picture}\n  Scan it in MAX: Profile → Devices → Log in by QR code\n`;
    }
    case 'connected':
      return `\n  Connected${session.account?.phone == null ? '' : `: +${session.account.phone}`}.\n`;
    case 'password':
      return '\n  The account wants its cloud password: give it on the page.\n';
    case 'ended':
      return `\n  Ended: ${session.end?.reason ?? 'unknown'}.${session.end?.resumable === true ? ' Open the page for a new code.' : ''}\n`;
    case 'idle':
    case 'waiting':
      return session.notice === null ? '\n  Waiting for a code …\n' : `\n  Waiting for a code (${session.notice.code}) …\n`;
    default:
      return session.state satisfies never;
  }
}

/** What the picture says, null if it cannot be read. */
export function readCode(image: string): string | null {
  try {
    const png = decodePng(Buffer.from(image.slice(image.indexOf(',') + 1), 'base64'));
    return decodeQr({ width: png.width, height: png.height, data: toRgba(png) });
  } catch {
    return null; // not a picture we can read: the page shows it as it is
  }
}

type Png = ReturnType<typeof decodePng>;

/** Grey, grey+alpha, RGB, RGBA or a palette, 1 to 16 bits, as 8-bit RGBA. */
export function toRgba({ width, height, data, channels, depth, palette }: Png): Uint8Array {
  const rgba = new Uint8Array(width * height * 4).fill(255);
  const max = 2 ** depth - 1;
  const sample = (pixel: number, channel: number): number => {
    if (depth >= 8) return Number(data[pixel * channels + channel] ?? 0);
    // Rows of packed samples begin on a byte.
    const bit = (pixel % width) * depth;
    const byte = Number(data[Math.floor(pixel / width) * Math.ceil((width * depth) / 8) + (bit >> 3)] ?? 0);
    return (byte >> (8 - depth - (bit & 7))) & max;
  };
  for (let pixel = 0; pixel < width * height; pixel++) {
    const colour = palette === undefined ? null : (palette[sample(pixel, 0)] ?? null);
    for (let channel = 0; channel < 3; channel++) {
      const value = colour === null ? (sample(pixel, channels < 3 ? 0 : channel) / max) * 255 : (colour[channel] ?? 0);
      rgba[pixel * 4 + channel] = value;
    }
  }
  return rgba;
}
