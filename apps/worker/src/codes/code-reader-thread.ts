/**
 * The thread that reads pictures: it gets a data URL, sends back the text, and takes one at a time.
 * The maker of a picture decides what it costs: with the decoder's defaults, 39 kB of finder
 * patterns took 89 s, and 1 MB of packed zeros took 1.2 GB. Therefore the thread can be ended
 * (reading-thread.ts does, after a time), its memory is limited, and the slow second tries are off.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parentPort } from 'node:worker_threads';
import { prepareZXingModule, type ReaderOptions, type ReadResult, readBarcodes } from 'zxing-wasm/reader';
import type { Word } from './reading-thread.ts';

/**
 * The decoder starts with 21 MB. 8-bit pictures of 3,000 × 3,000 pixels fit; real ones are a few
 * hundred pixels wide.
 */
const MAX_MEMORY_BYTES = 64 * 1024 * 1024;
const PAGE_BYTES = 64 * 1024;
/** A QR code with any error correction can hold this much, so the text can be drawn again. */
const MAX_TEXT_BYTES = 1_024;

const READER_OPTIONS: ReaderOptions = {
  formats: ['QRCode'],
  maxNumberOfSymbols: 1,
  textMode: 'Plain',
  // These second tries are for photographs. The provider's pictures are drawn, upright and dark on
  // light.
  tryHarder: false,
  tryRotate: false,
  tryInvert: false,
  tryDownscale: false,
};

/**
 * Its text is "qrcast". The first picture takes about 30 ms, so it is read before any viewer waits.
 */
const WARM_UP_IMAGE =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAADoAAAA6AQAAAADJwHeFAAAAhklEQVR4XqXPQQrEIAwF0EC2Ba8iZCv8q+cGc5VCtkJmtDZM7LKunsSvfvJr6WsQoxL+ATvME6qQ8AZ5QDfARNY9C8Ryv7Xw/E9hbzpGge7MNkYBISuaoEdvPaGbnm3Gb7gTZjxArGdNgEExDgeq8G+XYVR3FIx4AEaYdQLEzT5X94Wo/Apf58o0pBV0fCYAAAAASUVORK5CYII=';

/** Missing in TypeScript's types for Node. */
declare const WebAssembly: {
  readonly Memory: {
    readonly prototype: { readonly buffer: ArrayBuffer; grow(this: { readonly buffer: ArrayBuffer }, pages: number): number };
  };
};

/**
 * The decoder has no option for this. It treats a refused page as "out of memory" and reports that
 * it cannot read the picture.
 */
function limitMemory(): void {
  const { prototype } = WebAssembly.Memory;
  const { grow } = prototype;
  prototype.grow = function (pages) {
    if (this.buffer.byteLength + pages * PAGE_BYTES > MAX_MEMORY_BYTES)
      throw new RangeError('the picture needs more memory than is allowed');
    return grow.call(this, pages);
  };
}

/**
 * Null for text that cannot be drawn again byte for byte, or holds characters that should not be
 * shown to a person.
 */
function textOf(result: ReadResult | undefined): string | null {
  if (result === undefined || !result.isValid || result.bytes.length > MAX_TEXT_BYTES) return null;
  const { text, bytes } = result;
  return text !== '' && !/\p{C}/u.test(text) && Buffer.from(text).equals(bytes) ? text : null;
}

async function read(image: string): Promise<Word> {
  const startedAt = performance.now();
  const [result] = await readBarcodes(Buffer.from(image.slice(image.indexOf(',') + 1), 'base64'), READER_OPTIONS);
  return { text: textOf(result), tookMs: performance.now() - startedAt };
}

limitMemory();
// Loaded from the package. By default the decoder fetches its binary from a CDN.
const wasmBinary = readFileSync(fileURLToPath(import.meta.resolve('zxing-wasm/reader/zxing_reader.wasm')));
await prepareZXingModule({ overrides: { wasmBinary }, fireImmediately: true });
// A fault of the decoder is not caught and ends the thread, because the decoder's state is then
// unknown.
parentPort?.on('message', async (image: string) => parentPort?.postMessage(await read(image)));
parentPort?.postMessage(await read(WARM_UP_IMAGE)); // it is ready
