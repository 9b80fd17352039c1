/** Makes a thread like the worker's for pictures out of a reader of pixels. */

import { parentPort } from 'node:worker_threads';
import { decode as decodePng } from 'fast-png';
import { meterPort } from './metered-port.ts';

/** Four bytes for each pixel: red, green, blue, opacity. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

const CHANNELS = 4;
const OPAQUE = 255;

/** A picture without a code counts as unreadable. */
export function serveReader(readPixels: (pixels: Pixels) => Promise<string | null>): void {
  if (parentPort === null) return;
  const port = parentPort;
  meterPort(port);
  port.on('message', async (image: string) => {
    const startedAt = performance.now();
    const text = await readPixels(pixelsOf(image)).catch(() => null); // `qr` throws
    port.postMessage({ text, tookMs: performance.now() - startedAt });
  });
  port.postMessage({ text: null, tookMs: 0 }); // it is ready
}

/** Of a grey PNG with 8 bits for each pixel, like those that the benchmark has. */
function pixelsOf(image: string): Pixels {
  const { width, height, data: greys } = decodePng(Buffer.from(image.slice(image.indexOf(',') + 1), 'base64'));
  const data = new Uint8ClampedArray(width * height * CHANNELS);
  for (const [at, grey] of greys.entries()) {
    data[at * CHANNELS] = grey;
    data[at * CHANNELS + 1] = grey;
    data[at * CHANNELS + 2] = grey;
    data[at * CHANNELS + 3] = OPAQUE;
  }
  return { width, height, data };
}
