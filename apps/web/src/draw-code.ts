/**
 * Draws a code as one SVG path. It is sharp at every size and has a fraction of the picture's
 * bytes.
 */

import { encodeQR } from 'qr';

/** The blank border on each side, in modules, that scanners may rely on (ISO/IEC 18004). */
const QUIET_ZONE = 4;

export interface DrawnCode {
  /** The length of a side in modules, with the quiet zone. */
  readonly modules: number;
  /** The SVG path of the dark modules. A module is one unit wide. */
  readonly path: string;
}

/** Returns null if the text is too long for a QR code. */
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
