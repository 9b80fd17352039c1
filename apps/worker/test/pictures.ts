/** For tests: codes as the provider may draw them, and harmful pictures. All are data URLs. */

import { hash } from 'node:crypto';
import { encode as encodePng } from 'fast-png';
import { encodeQR, type QrOpts } from 'qr';

/** Black and white, one byte per pixel. */
interface Drawing {
  readonly side: number;
  readonly pixels: Uint8Array;
}

const WHITE = 255;
const QUIET_ZONE = 4;

const GREY = ({ side, pixels }: Drawing): string => png(side, { data: pixels, channels: 1, depth: 8 });

/** One picture in every kind of PNG that the provider may use. */
export const PNG_KINDS = {
  '8-bit grey': GREY,
  '16-bit grey': ({ side, pixels }) => png(side, { data: deepened(pixels), channels: 1, depth: 16 }),
  '1-bit grey': ({ side, pixels }) => png(side, { data: packed(side, pixels), channels: 1, depth: 1 }),
  palette: ({ side, pixels }) => {
    const palette: [number, number, number][] = [
      [0, 0, 64],
      [255, 255, 224],
    ];
    return png(side, { data: pixels.map((level) => (level === WHITE ? 1 : 0)), channels: 1, depth: 8, palette });
  },
  RGB: ({ side, pixels }) => png(side, { data: spread(pixels, 3), channels: 3, depth: 8 }),
  RGBA: ({ side, pixels }) => png(side, { data: opaque(pixels), channels: 4, depth: 8 }),
  '16-bit RGBA': ({ side, pixels }) => png(side, { data: deepened(opaque(pixels)), channels: 4, depth: 16 }),
} as const satisfies Record<string, (drawing: Drawing) => string>;

export interface CodeOptions extends QrOpts {
  /** Pixels per module. */
  readonly scale?: number;
  readonly kind?: keyof typeof PNG_KINDS;
}

/**
 * By default drawn like the simulator's, with the size of a real one: 328 pixels for a login link.
 */
export function drawCode(text: string, { scale = 8, kind = '8-bit grey', ...options }: CodeOptions = {}): string {
  const rows = encodeQR(text, 'raw', { ecc: 'medium', border: QUIET_ZONE, ...options });
  return PNG_KINDS[kind](draw(rows.length * scale, (x, y) => rows[Math.floor(y / scale)]?.[Math.floor(x / scale)] ?? false));
}

export const drawNothing = (): string => GREY(draw(328, () => false));

const FINDER = ['1111111', '1000001', '1011101', '1011101', '1011101', '1000001', '1111111'];

/**
 * A picture full of finder patterns; any three could be the corners of a code. 39 kB take a decoder
 * more than a second.
 */
export const drawMaze = (): string => GREY(draw(4_096, (x, y) => FINDER[y % 8]?.[x % 8] === '1'));

/** The first half of its bytes. */
export function cut(image: string): string {
  const bytes = Buffer.from(image.slice(image.indexOf(',') + 1), 'base64');
  return dataUrl(bytes.subarray(0, bytes.length / 2));
}

/** In the form of the provider's answer. */
export const pictureOf = (image: string): { readonly digest: string; readonly image: string } => ({ digest: hash('sha256', image), image });

function draw(side: number, isDark: (x: number, y: number) => boolean): Drawing {
  const pixels = new Uint8Array(side * side).fill(WHITE);
  for (let at = 0; at < pixels.length; at++) if (isDark(at % side, Math.floor(at / side))) pixels[at] = 0;
  return { side, pixels };
}

function png(side: number, picture: Omit<Parameters<typeof encodePng>[0], 'width' | 'height'>): string {
  return dataUrl(encodePng({ width: side, height: side, ...picture }));
}

const dataUrl = (bytes: Uint8Array): string => `data:image/png;base64,${Buffer.from(bytes).toString('base64')}`;

function spread(pixels: Uint8Array, channels: number): Uint8Array {
  return new Uint8Array(pixels.length * channels).map((_, at) => pixels[Math.floor(at / channels)] ?? 0);
}

const opaque = (pixels: Uint8Array): Uint8Array => spread(pixels, 4).map((level, at) => (at % 4 === 3 ? 255 : level));

const deepened = (levels: Uint8Array): Uint16Array => Uint16Array.from(levels, (level) => level * 257);

/** Each row begins with a new byte. */
function packed(side: number, pixels: Uint8Array): Uint8Array {
  const rowBytes = Math.ceil(side / 8);
  const bits = new Uint8Array(rowBytes * side);
  for (const [at, level] of pixels.entries()) {
    const byte = Math.floor(at / side) * rowBytes + Math.floor((at % side) / 8);
    if (level === WHITE) bits[byte] = (bits[byte] ?? 0) | (128 >> ((at % side) % 8));
  }
  return bits;
}
