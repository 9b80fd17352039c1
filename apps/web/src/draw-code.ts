/** A code as one SVG path: sharp at every size and density, and a fraction of the picture's bytes. */

import { encodeQR } from 'qr';

/** In modules, on each side; what a scanner is promised (ISO/IEC 18004). */
const QUIET_ZONE = 4;

export interface DrawnCode {
  /** The side in modules, quiet zone included. */
  readonly modules: number;
  /** Of the dark modules, one unit each. */
  readonly path: string;
}

/** Null if the text is too long for any code. */
export function drawCode(text: string): DrawnCode | null {
  const rows = encode(text);
  if (rows === null) return null;
  let path = '';
  for (const [y, row] of rows.entries()) {
    for (let x = 0; x < row.length; x++) {
      if (row[x] !== true) continue;
      const start = x;
      while (row[x + 1] === true) x++;
      path += `M${start} ${y}h${x + 1 - start}v1h-${x + 1 - start}z`;
    }
  }
  return { modules: rows.length, path };
}

function encode(text: string): readonly (readonly boolean[])[] | null {
  try {
    return encodeQR(text, 'raw', { ecc: 'medium', border: QUIET_ZONE });
  } catch {
    return null; // Error: capacity overflow
  }
}
