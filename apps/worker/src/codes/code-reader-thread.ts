/**
 * The thread that reads pictures: a data URL comes in, what it says goes out, one after another. Whoever makes a picture decides what it
 * costs: 39 kB of finder patterns kept this decoder busy for 89 s with its defaults, and 1 MB of packed zeros took 1.2 GB. Hence a thread
 * that can be ended (`reading-thread.ts` does, by the clock), a limit on its memory, and none of the slow second tries.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parentPort } from 'node:worker_threads';
import { prepareZXingModule, type ReaderOptions, type ReadResult, readBarcodes } from 'zxing-wasm/reader';
import type { Word } from './reading-thread.ts';

/** It begins with 21 MB; 8-bit pictures of 3,000 × 3,000 pixels can still be read. Real ones are some hundred wide. */
const MAX_MEMORY_BYTES = 64 * 1024 * 1024;
const PAGE_BYTES = 64 * 1024;
/** A QR code of any error correction holds as much, so that what was read can be drawn again. */
const MAX_TEXT_BYTES = 1_024;

const READER_OPTIONS: ReaderOptions = {
  formats: ['QRCode'],
  maxNumberOfSymbols: 1,
  textMode: 'Plain',
  // Second tries for photographs. The provider's pictures are drawn, upright and dark on light.
  tryHarder: false,
  tryRotate: false,
  tryInvert: false,
  tryDownscale: false,
};

/** Says "qrcast". The first picture of all takes some 30 ms, which no viewer's code has to wait for. */
const WARM_UP_IMAGE =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAADoAAAA6AQAAAADJwHeFAAAAhklEQVR4XqXPQQrEIAwF0EC2Ba8iZCv8q+cGc5VCtkJmtDZM7LKunsSvfvJr6WsQoxL+ATvME6qQ8AZ5QDfARNY9C8Ryv7Xw/E9hbzpGge7MNkYBISuaoEdvPaGbnm3Gb7gTZjxArGdNgEExDgeq8G+XYVR3FIx4AEaYdQLEzT5X94Wo/Apf58o0pBV0fCYAAAAASUVORK5CYII=';

/** Not in TypeScript's types for Node. */
declare const WebAssembly: {
  readonly Memory: {
    readonly prototype: { readonly buffer: ArrayBuffer; grow(this: { readonly buffer: ArrayBuffer }, pages: number): number };
  };
};

/** The decoder takes a refused page for "out of memory" and says that it cannot read the picture; there is no option for this. */
function limitMemory(): void {
  const { prototype } = WebAssembly.Memory;
  const { grow } = prototype;
  prototype.grow = function (pages) {
    if (this.buffer.byteLength + pages * PAGE_BYTES > MAX_MEMORY_BYTES) throw new RangeError('the memory for one picture is used up');
    return grow.call(this, pages);
  };
}

/** Null for what could not be drawn again byte for byte, or should not be put before a person. */
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
// From the package itself: left alone, it would fetch its binary from a CDN.
const wasmBinary = readFileSync(fileURLToPath(import.meta.resolve('zxing-wasm/reader/zxing_reader.wasm')));
await prepareZXingModule({ overrides: { wasmBinary }, fireImmediately: true });
// A fault of the decoder is not caught: it leaves the decoder in no known state, and ends the thread.
parentPort?.on('message', async (image: string) => parentPort?.postMessage(await read(image)));
parentPort?.postMessage(await read(WARM_UP_IMAGE)); // it is ready
