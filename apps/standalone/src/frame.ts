/**
 * Turns lines into what a terminal must be sent so that it shows them, and nothing else. Pure:
 * frames are text, so that tests can read them.
 */

import stringWidth from 'string-width';

const HOME = '\x1b[H';
const CLEAR_BELOW = '\x1b[J';
const CLEAR_RIGHT = '\x1b[K';
/** Terminals that know this sequence show a frame at once. The others ignore it. */
const BEGIN_FRAME = '\x1b[?2026h';
const END_FRAME = '\x1b[?2026l';
const RESET = '\x1b[0m';

export const BOLD = '\x1b[1m';
export const DIM = '\x1b[2m';

/** @returns everything to write so that the screen shows these lines, whatever it showed before */
export function frameOfLines(lines: readonly string[], columns: number): string {
  const ended = lines.map((line) => {
    // A line that ends in the last column leaves the cursor there. Clearing would delete its last
    // character.
    const isFull = line !== '' && visibleWidth(line) % columns === 0;
    return isFull ? line : `${line}${CLEAR_RIGHT}`;
  });
  return `${BEGIN_FRAME}${HOME}${ended.join('\r\n')}${CLEAR_BELOW}${END_FRAME}`;
}

export function styled(text: string, style: string, colours: boolean): string {
  return colours && style !== '' ? `${style}${text}${RESET}` : text;
}

/** In columns of the terminal, without its control sequences. */
export function visibleWidth(line: string): number {
  return stringWidth(line);
}
