import decodeQr from 'qr/decode.js';
import { describe, expect, it } from 'vitest';
import { TEXT } from '../test/watch.ts';
import { type DrawnCode, drawCode } from './draw-code.ts';

const PIXELS = 4;

/** Paints the path black on white, as a browser would. */
function paint({ modules, path }: DrawnCode): { width: number; height: number; data: Uint8Array } {
  const side = modules * PIXELS;
  const data = new Uint8Array(side * side * 4).fill(255);
  for (const [, x, y, width] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g)) {
    for (let row = Number(y) * PIXELS; row < (Number(y) + 1) * PIXELS; row++) {
      const start = (row * side + Number(x) * PIXELS) * 4;
      data.fill(0, start, start + Number(width) * PIXELS * 4);
    }
  }
  for (let alpha = 3; alpha < data.length; alpha += 4) data[alpha] = 255;
  return { width: side, height: side, data };
}

function draw(text: string): DrawnCode {
  const drawn = drawCode(text);
  if (drawn === null) throw new Error('expected a drawn code');
  return drawn;
}

describe('a drawn code', () => {
  it.each([TEXT, 'short', 'на русском', 'x'.repeat(1_024)])('contains the text it was drawn from: %.30s', (text) => {
    expect(decodeQr(paint(draw(text)))).toBe(text);
  });

  it('has four blank modules on each side', () => {
    const { modules, path } = draw(TEXT);
    for (const [, x, y, width] of path.matchAll(/M(\d+) (\d+)h(\d+)/g)) {
      const [left, top, right] = [Number(x), Number(y), Number(x) + Number(width)];
      expect(Math.min(left, top, modules - right, modules - top - 1)).toBeGreaterThanOrEqual(4);
    }
  });

  it('is null if no code can hold the text', () => {
    expect(drawCode('x'.repeat(3_000))).toBeNull();
  });
});
