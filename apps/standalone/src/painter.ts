/**
 * Paints frames on the terminal's alternate screen. On that screen, resizing cannot tear what was
 * drawn, and nothing of it stays in the scrollback.
 */

import type { WriteStream } from 'node:tty';

export interface Painter {
  /** Draws the frame if it is another one than the last. */
  paint(): void;
  /** Restores the screen. Idempotent. */
  close(): void;
}

export interface PainterOptions {
  readonly stdout: WriteStream;
  readonly frameOf: (size: TerminalSize) => string;
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/**
 * Lines do not wrap meanwhile (7): terminals differ in the width of a flag or an emoji of several
 * characters, and a line that wraps would push all others down.
 */
const ENTER = '\x1b[?1049h\x1b[?7l\x1b[?25l\x1b[2J';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';
/** Times are shown in seconds. Four looks at each second keep their steps even. */
const LOOK_EVERY_MS = 250;
const USUAL_SIZE = { columns: 80, rows: 24 };

export function openPainter({ stdout, frameOf }: PainterOptions): Painter {
  let painted = '';
  let isClosed = false;

  const paint = (): void => {
    if (isClosed) return;
    const frame = frameOf(sizeOf(stdout));
    if (frame !== painted) stdout.write(frame);
    painted = frame;
  };
  /** A resize has moved or cut what was drawn. */
  const repaint = (): void => {
    painted = '';
    paint();
  };
  const close = (): void => {
    if (isClosed) return;
    isClosed = true;
    clearInterval(timer);
    stdout.off('resize', repaint);
    process.off('exit', close);
    stdout.write(LEAVE);
  };

  stdout.write(ENTER);
  process.once('exit', close); // a second signal exits at once
  stdout.on('resize', repaint);
  const timer = setInterval(paint, LOOK_EVERY_MS);
  paint();
  return { paint, close };
}

function sizeOf({ columns, rows }: WriteStream): TerminalSize {
  return { columns: columns || USUAL_SIZE.columns, rows: rows || USUAL_SIZE.rows }; // 0 where the terminal does not know its size
}
