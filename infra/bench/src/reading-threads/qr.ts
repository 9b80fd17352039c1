/** A bare call of `qr`, a reader in JavaScript alone. */

import decodeQr from 'qr/decode.js';
import { serveReader } from './serve-reader.ts';

serveReader(async (pixels) => decodeQr(pixels));
