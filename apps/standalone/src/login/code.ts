/**
 * A code drawn in half blocks, two modules to a character. The colours are fixed ones of the 256-colour palette: themes change what the first
 * sixteen look like, and a code must be black on white wherever it is shown. The white quiet zone around it is part of the picture.
 */

import encodeQr from 'qr';

const WHITE_ON_BLACK = '\x1b[38;5;231;48;5;16m';
const WHITE_ON_NOTHING = '\x1b[38;5;231m';
const RESET = '\x1b[0m';

/** Modules of white around a code that ISO/IEC 18004 asks for; phones do with half of it, where rows are few. */
export const FULL_QUIET_ZONE = 4;
export const HALF_QUIET_ZONE = 2;

export interface DrawnCode {
  readonly columns: number;
  readonly lines: readonly string[];
}

/** `text` is what the code says. Without colours the light modules are drawn in the terminal's own text colour. */
export function drawCode(text: string, { border, colours }: { readonly border: number; readonly colours: boolean }): DrawnCode {
  const lines = encodeQr(text, 'ascii', { ecc: 'low', border }).trimEnd().split('\n');
  const columns = lines[0]?.length ?? 0;
  // The last line is only upper halves of white: a code has an odd number of modules. Below them is the terminal's own ground.
  const paint = (line: string, i: number): string => `${i < lines.length - 1 ? WHITE_ON_BLACK : WHITE_ON_NOTHING}${line}${RESET}`;
  return { columns, lines: colours ? lines.map(paint) : lines };
}
