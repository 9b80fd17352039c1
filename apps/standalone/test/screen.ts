/**
 * For tests: computes what a terminal shows after some output, and what a phone would read there.
 * Throws on output that it does not know.
 */

import decodeQr from 'qr/decode.js';

export interface Cell {
  readonly character: string;
  /** A colour of the 256-colour palette; null for the terminal's own. */
  readonly foreground: number | null;
  readonly background: number | null;
}

export interface Screen {
  write(output: string): void;
  /** Removes or adds cells at the right and the bottom, as a window does. */
  resize(columns: number, rows: number): void;
  readonly isAlternate: boolean;
  readonly hasCursor: boolean;
  /** The rows, without spaces at their ends. */
  readonly lines: readonly string[];
  readonly cells: readonly (readonly Cell[])[];
  /**
   * @returns the text of the code, on a terminal with a dark or light background; null if no code
   * is readable
   */
  readCode(ground: 'dark' | 'light'): string | null;
}

const ESCAPE = '\x1b';
/** The text after the escape character. */
const SEQUENCE = /^\[(\?)?([\d;]*)([A-Za-z])/;
const BLANK: Cell = { character: ' ', foreground: null, background: null };
const WHITE = 231;
const BLACK = 16;
const PIXELS_PER_MODULE = 4;

export function createScreen(columns: number, rows: number): Screen {
  const blankRow = (): Cell[] => Array.from({ length: columns }, () => BLANK);
  const blankScreen = (): Cell[][] => Array.from({ length: rows }, blankRow);
  let cells = blankScreen();
  let kept: { readonly cells: Cell[][]; readonly column: number; readonly row: number } | null = null; // the main screen, below the alternate one
  let column = 0;
  let row = 0;
  let hasCursor = true;
  let sequence = ''; // the sequence is not complete yet
  let colours: Pick<Cell, 'foreground' | 'background'> = BLANK;

  function put(character: string): void {
    if (column === columns) newLine(0);
    const line = cells[row];
    if (line !== undefined) line[column] = { ...colours, character };
    column++;
  }

  function newLine(at: number): void {
    column = at;
    if (++row < rows) return;
    cells = [...cells.slice(1), blankRow()];
    row = rows - 1;
  }

  function clear(parameters: string): void {
    if (parameters === '2') cells = blankScreen();
    else {
      cells[row]?.fill(BLANK, column);
      cells = cells.map((line, i) => (i > row ? blankRow() : line));
    }
  }

  function setMode(parameters: string, isOn: boolean): void {
    if (parameters === '25') hasCursor = isOn;
    else if (parameters === '1049') alternate(isOn);
    else if (parameters !== '2026') throw new Error(`mode ${parameters} is not known here`);
  }

  function alternate(isOn: boolean): void {
    if (isOn) {
      kept = { cells, column, row };
      cells = blankScreen();
    } else if (kept !== null) {
      ({ cells, column, row } = kept);
      kept = null;
    }
  }

  function setColours(parameters: string): void {
    const codes = parameters.split(';').map(Number);
    for (let i = 0; i < codes.length; i++) {
      const colour = codes[i + 2] ?? null;
      if (codes[i] === 0) colours = BLANK;
      else if (codes[i] === 38) [colours, i] = [{ ...colours, foreground: colour }, i + 2];
      else if (codes[i] === 48) [colours, i] = [{ ...colours, background: colour }, i + 2];
    }
  }

  /** Output arrives in pieces that may end anywhere. */
  function readOn(character: string): void {
    sequence += character;
    if (!/[A-Za-z]/.test(character)) return;
    const [, isPrivate, parameters = '', letter = ''] = SEQUENCE.exec(sequence.slice(ESCAPE.length)) ?? [];
    sequence = '';
    control(parameters, letter, isPrivate !== undefined);
  }

  function control(parameters: string, letter: string, isPrivate: boolean): void {
    if (isPrivate) setMode(parameters, letter === 'h');
    else if (letter === 'm') setColours(parameters);
    else if (letter === 'J') clear(parameters);
    else if (letter === 'H' && parameters === '') [row, column] = [0, 0];
    else if (letter === 'K' && parameters === '') cells[row]?.fill(BLANK, Math.min(column, columns - 1));
    else throw new Error(`the control sequence ${parameters}${letter} is not known here`);
  }

  return {
    write(output) {
      for (const character of output) {
        if (character === ESCAPE) sequence = ESCAPE;
        else if (sequence !== '') readOn(character);
        else if (character === '\r') column = 0;
        else if (character === '\n') newLine(column);
        else put(character);
      }
    },
    resize(nextColumns, nextRows) {
      columns = nextColumns;
      rows = nextRows;
      const old = cells;
      cells = blankScreen().map((line, y) => line.map((cell, x) => old[y]?.[x] ?? cell));
      row = Math.min(row, rows - 1);
      column = Math.min(column, columns - 1);
    },
    get isAlternate() {
      return kept !== null;
    },
    get hasCursor() {
      return hasCursor;
    },
    get cells() {
      return cells;
    },
    get lines() {
      return cells.map((line) =>
        line
          .map(({ character }) => character)
          .join('')
          .trimEnd(),
      );
    },
    readCode: (ground) => readCode(cells, ground),
  };
}

/** A cell has two modules, one above the other. */
function readCode(cells: readonly (readonly Cell[])[], ground: 'dark' | 'light'): string | null {
  const width = (cells[0]?.length ?? 0) * PIXELS_PER_MODULE;
  const height = cells.length * 2 * PIXELS_PER_MODULE;
  const data = new Uint8Array(width * height * 4).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const moduleRow = Math.floor(y / PIXELS_PER_MODULE);
      const cell = cells[moduleRow >> 1]?.[Math.floor(x / PIXELS_PER_MODULE)] ?? BLANK;
      data.fill(isLight(cell, moduleRow % 2 === 0, ground) ? 255 : 0, (y * width + x) * 4, (y * width + x) * 4 + 3);
    }
  }
  try {
    return decodeQr({ width, height, data });
  } catch {
    return null; // nothing that is a code
  }
}

function isLight({ character, foreground, background }: Cell, isUpper: boolean, ground: 'dark' | 'light'): boolean {
  const isInk = character === '█' || character === (isUpper ? '▀' : '▄');
  const colour = isInk ? foreground : background;
  if (colour === WHITE || colour === BLACK) return colour === WHITE;
  return isInk === (ground === 'dark'); // the terminal's own colours, in which text contrasts with the background
}
