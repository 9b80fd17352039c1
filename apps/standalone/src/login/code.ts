/**
 * Draws a code in half blocks, with two modules per character. The colours are fixed ones of the
 * 256-colour palette: themes change the first sixteen, and a code must be black on white
 * everywhere. The white quiet zone around the code is part of the picture.
 */

import encodeQr from 'qr';

const WHITE_ON_BLACK = '\x1b[38;5;231;48;5;16m';
const WHITE_ON_NOTHING = '\x1b[38;5;231m';
const RESET = '\x1b[0m';

/**
 * ISO/IEC 18004 asks for so many white modules around a code. Half of them are enough for phones,
 * if there are few rows.
 */
export const FULL_QUIET_ZONE = 4;
export const HALF_QUIET_ZONE = 2;

export interface DrawnCode {
  readonly columns: number;
  readonly lines: readonly string[];
}

/**
 * Without colours, light modules have the terminal's own text colour.
 *
 * @param text what the code says
 */
export function drawCode(text: string, { border, colours }: { readonly border: number; readonly colours: boolean }): DrawnCode {
  const lines = encodeQr(text, 'ascii', { ecc: 'low', border }).trimEnd().split('\n');
  const columns = lines[0]?.length ?? 0;
  // A code has an odd number of modules, so the last line has only white upper halves. Below them
  // is the terminal's background.
  const paint = (line: string, i: number): string => `${i < lines.length - 1 ? WHITE_ON_BLACK : WHITE_ON_NOTHING}${line}${RESET}`;
  return { columns, lines: colours ? lines.map(paint) : lines };
}
