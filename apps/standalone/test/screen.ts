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

/** What the terminal keeps between two pieces of output. */
interface Terminal {
  columns: number;
  rows: number;
  cells: Cell[][];
  /** The main screen, below the alternate one. */
  kept: { readonly cells: Cell[][]; readonly column: number; readonly row: number } | null;
  column: number;
  row: number;
  hasCursor: boolean;
  /** Whether a character behind the last column begins the next line. */
  wraps: boolean;
  /** The beginning of a sequence that is not complete yet. */
  sequence: string;
  colours: Pick<Cell, 'foreground' | 'background'>;
}

export function createScreen(columns: number, rows: number): Screen {
  const terminal: Terminal = {
    columns,
    rows,
    cells: blankScreen({ columns, rows }),
    kept: null,
    column: 0,
    row: 0,
    hasCursor: true,
    wraps: true,
    sequence: '',
    colours: BLANK,
  };
  return {
    write: (output) => write(terminal, output),
    resize: (nextColumns, nextRows) => resize(terminal, nextColumns, nextRows),
    get isAlternate() {
      return terminal.kept !== null;
    },
    get hasCursor() {
      return terminal.hasCursor;
    },
    get cells() {
      return terminal.cells;
    },
    get lines() {
      return terminal.cells.map(textOf);
    },
    readCode: (ground) => readCode(terminal.cells, ground),
  };
}

type Size = Pick<Terminal, 'columns' | 'rows'>;

const blankRow = ({ columns }: Size): Cell[] => Array.from({ length: columns }, () => BLANK);
const blankScreen = (size: Size): Cell[][] => Array.from({ length: size.rows }, () => blankRow(size));

function textOf(line: readonly Cell[]): string {
  return line
    .map(({ character }) => character)
    .join('')
    .trimEnd();
}

function write(terminal: Terminal, output: string): void {
  for (const character of output) {
    if (character === ESCAPE) terminal.sequence = ESCAPE;
    else if (terminal.sequence !== '') readOn(terminal, character);
    else if (character === '\r') terminal.column = 0;
    else if (character === '\n') newLine(terminal, terminal.column);
    else put(terminal, character);
  }
}

function resize(terminal: Terminal, columns: number, rows: number): void {
  const old = terminal.cells;
  const cells = blankScreen({ columns, rows }).map((line, y) => line.map((cell, x) => old[y]?.[x] ?? cell));
  const row = Math.min(terminal.row, rows - 1);
  const column = Math.min(terminal.column, columns - 1);
  Object.assign(terminal, { columns, rows, cells, row, column } satisfies Partial<Terminal>);
}

/** A character that does not fit begins the next line, or stays in the last cells if lines do not wrap. */
function put(terminal: Terminal, character: string): void {
  const width = widthOf(character);
  if (width === 0) return;
  if (terminal.column + width > terminal.columns) {
    if (terminal.wraps) newLine(terminal, 0);
    else terminal.column = terminal.columns - width;
  }
  const line = terminal.cells[terminal.row];
  for (let i = 0; i < width && line !== undefined; i++)
    line[terminal.column + i] = { ...terminal.colours, character: i === 0 ? character : '' };
  terminal.column += width;
}

const NOTHING = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
const WIDE = /^[\p{Emoji_Presentation}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303e\uff01-\uff60]$/u;

/** As many terminals do it: each character by itself, also the two of a flag. */
const widthOf = (character: string): number => (NOTHING.test(character) ? 0 : WIDE.test(character) ? 2 : 1);

function newLine(terminal: Terminal, at: number): void {
  terminal.column = at;
  if (++terminal.row < terminal.rows) return;
  terminal.cells = [...terminal.cells.slice(1), blankRow(terminal)];
  terminal.row = terminal.rows - 1;
}

/** Output arrives in pieces that may end anywhere. */
function readOn(terminal: Terminal, character: string): void {
  terminal.sequence += character;
  if (!/[A-Za-z]/.test(character)) return;
  const [, isPrivate, parameters = '', letter = ''] = SEQUENCE.exec(terminal.sequence.slice(ESCAPE.length)) ?? [];
  terminal.sequence = '';
  if (isPrivate !== undefined) setMode(terminal, parameters, letter === 'h');
  else control(terminal, parameters, letter);
}

function control(terminal: Terminal, parameters: string, letter: string): void {
  const { cells, row, column, columns, colours } = terminal;
  if (letter === 'm') terminal.colours = coloursAfter(colours, parameters);
  else if (letter === 'J') clear(terminal, parameters);
  else if (letter === 'H' && parameters === '') [terminal.row, terminal.column] = [0, 0];
  else if (letter === 'K' && parameters === '') cells[row]?.fill(BLANK, Math.min(column, columns - 1));
  else throw new Error(`the control sequence ${parameters}${letter} is not known here`);
}

function clear(terminal: Terminal, parameters: string): void {
  const { cells, row, column } = terminal;
  if (parameters === '2') terminal.cells = blankScreen(terminal);
  else {
    cells[row]?.fill(BLANK, column);
    terminal.cells = cells.map((line, i) => (i > row ? blankRow(terminal) : line));
  }
}

function setMode(terminal: Terminal, parameters: string, isOn: boolean): void {
  if (parameters === '25') terminal.hasCursor = isOn;
  else if (parameters === '7') terminal.wraps = isOn;
  else if (parameters === '1049') alternate(terminal, isOn);
  else if (parameters !== '2026') throw new Error(`mode ${parameters} is not known here`);
}

function alternate(terminal: Terminal, isOn: boolean): void {
  const { cells, column, row, kept } = terminal;
  if (isOn) {
    terminal.kept = { cells, column, row };
    terminal.cells = blankScreen(terminal);
  } else if (kept !== null) Object.assign(terminal, kept, { kept: null });
}

function coloursAfter(colours: Terminal['colours'], parameters: string): Terminal['colours'] {
  const codes = parameters.split(';').map(Number);
  let after = colours;
  for (let i = 0; i < codes.length; i++) {
    const colour = codes[i + 2] ?? null;
    if (codes[i] === 0) after = BLANK;
    else if (codes[i] === 38) [after, i] = [{ ...after, foreground: colour }, i + 2];
    else if (codes[i] === 48) [after, i] = [{ ...after, background: colour }, i + 2];
  }
  return after;
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
