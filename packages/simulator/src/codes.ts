/**
 * The codes that the simulator shows: links, drawn as scannable PNG pictures and kept as ready
 * answers.
 *
 * Drawing a picture takes about 5 ms and happens on first use. After that the answer is a buffer.
 * With a pool all pictures are drawn when the simulator opens, and the instances share them, so
 * that load tests measure the client and not the drawing.
 */
import { encode as encodePng } from 'fast-png';
import { encodeQR } from 'qr';
import { codeLink } from './identity.ts';
import type { Settled } from './options.ts';

/** The white border around the code, in modules. Scanners need it (ISO/IEC 18004 requires 4). */
const QUIET_ZONE_MODULES = 4;
/** A code of 41 modules, with the quiet zone, has 328 pixels. */
const PIXELS_PER_MODULE = 8;

const WHITE = 255;

export interface Code {
  readonly link: string;
  /** The body of a `qr` answer with this code. Drawn at the first call and kept. */
  answer(): Buffer;
}

export interface Codes {
  /**
   * The code that `owner` shows in its `turn` (0, 1, 2 …). Two successive turns never show the same
   * one.
   */
  code(owner: string, turn: number): Code;
}

export function createCodes(settled: Pick<Settled, 'seed' | 'codePool'>): Codes {
  const { seed, codePool } = settled;
  if (codePool === 0) return { code: (owner, turn) => createCode(codeLink(seed, owner, turn)) };
  const pool = Array.from({ length: Math.max(codePool, 2) }, (_, position) => createCode(codeLink(seed, 'pool', position)));
  for (const code of pool) code.answer();
  return { code: (owner, turn) => fromPool(pool, spread(owner) + turn) };
}

/**
 * The link as a PNG in base64, as the provider sends it: 8-bit grey, only black and white, without
 * a `data:` prefix.
 */
function drawCode(link: string): string {
  const rows = encodeQR(link, 'raw', { ecc: 'medium', border: QUIET_ZONE_MODULES, scale: PIXELS_PER_MODULE });
  const side = rows.length;
  const data = new Uint8Array(side * side).fill(WHITE);
  for (const [y, row] of rows.entries()) {
    for (const [x, isDark] of row.entries()) if (isDark) data[y * side + x] = 0;
  }
  return Buffer.from(encodePng({ width: side, height: side, data, channels: 1, depth: 8 })).toString('base64');
}

function createCode(link: string): Code {
  let body: Buffer | undefined;
  return { link, answer: () => (body ??= Buffer.from(JSON.stringify({ type: 'qrCode', message: drawCode(link) }))) };
}

function fromPool(pool: readonly Code[], position: number): Code {
  const code = pool[position % pool.length];
  if (code === undefined) throw new RangeError('the code pool is empty');
  return code;
}

/** Where an owner starts in the pool. Any cheap hash is good enough. */
function spread(owner: string): number {
  let sum = 0;
  for (let at = 0; at < owner.length; at++) sum = (sum * 31 + owner.charCodeAt(at)) >>> 0;
  return sum;
}
