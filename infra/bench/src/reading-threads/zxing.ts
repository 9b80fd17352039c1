/** A bare call of zxing, the worker's library, with decoded pixels and its default options. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader';
import { serveReader } from './serve-reader.ts';

// By default zxing fetches its binary from a CDN.
const wasmBinary = readFileSync(fileURLToPath(import.meta.resolve('zxing-wasm/reader/zxing_reader.wasm')));
await prepareZXingModule({ overrides: { wasmBinary }, fireImmediately: true });

serveReader(async (pixels) => {
  const [result] = await readBarcodes({ ...pixels, colorSpace: 'srgb' }, { formats: ['QRCode'] });
  return result?.text ?? null;
});
