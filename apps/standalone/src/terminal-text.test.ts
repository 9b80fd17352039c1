import { expect, it } from 'vitest';
import { jsonLine, printable } from './terminal-text.ts';

/** What acts on a terminal or on the direction of text: C0, DEL, C1, bidi controls, separators, a tag beyond the BMP. */
const ACTING = [
  '\x1b[2J',
  '\x07',
  '\x7f',
  '\u009b2J',
  '\u009d0;title\u009c',
  '\u202e',
  '\u2066',
  '\u2028',
  '\u2029',
  '\u{e0041}',
  '\r',
  '\t',
];
const acts = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

it.each(ACTING)('%j is not printed, and lines stay lines', (text) => {
  const shown = printable(`a${text}b\nc`);
  expect(shown.replace('\n', '')).not.toMatch(acts);
  expect(shown).toMatch(/^a\?.*b\nc$/);
});

it.each(ACTING)('%j is escaped in a line of JSON, and a program reads it as it was', (text) => {
  const line = jsonLine('sessions', { reference: `a${text}b` });
  expect(line.slice(0, -1)).not.toMatch(acts);
  expect(line.at(-1)).toBe('\n');
  expect(JSON.parse(line)).toEqual({ event: 'sessions', reference: `a${text}b` });
});

it('other text is left as it is', () => {
  const text = 'Заказ №17 – «готово» 😀';
  expect(printable(text)).toBe(text);
  expect(jsonLine('ended', { text })).toBe(`{"event":"ended","text":"${text}"}\n`);
});
