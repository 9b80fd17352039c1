/**
 * Values that often cause faults, as texts of bytes (latin1: one character is one byte). Their form
 * prints short: 64 kB of one letter is a letter and a number.
 */

import fc from 'fast-check';

export interface Text {
  readonly before: string;
  readonly middle: string;
  readonly after: string;
  /** How often `before` and `after` are repeated. */
  readonly times: number;
}

export const render = ({ before, middle, after, times }: Text): string => before.repeat(times) + middle + after.repeat(times);
const plain = (middle: string): Text => ({ before: '', middle, after: '', times: 0 });
const repeated = (before: string, times: number): Text => ({ before, middle: '', after: '', times });

const utf8 = (text: string): string => Buffer.from(text).toString('latin1');

/** For any place for text: a JSON string, a header or a path. */
const STRINGS: readonly Text[] = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\r\n',
  '\n\n',
  '%00',
  '%zz',
  '%c3%28',
  '..%2f..%2f',
  '../../../etc/passwd',
  '__proto__',
  'constructor',
  'toString',
  '$where',
  '*',
  '}{',
  '|',
  'a|b|c|d',
  '-1',
  '9007199254740993',
  'NaN',
  'true',
  'null',
  '#{7*7}',
  '<script>',
  '\x1b[2J',
  '\x7f',
  '\xff\xfe',
  '\xc0\xaf', // overlong
  '\xed\xa0\x80', // a surrogate as UTF-8
  '\xf5\x80\x80\x80', // beyond Unicode
  '\xe7\xe0\xea\xe0\xe7', // cp1251
  utf8('\ufeff'),
  utf8('\u202e\u200b\u2028'),
  utf8('İıſK'), // its length changes in lower case
  utf8('👩‍👩‍👧'),
].map(plain);

const LONG: readonly Text[] = [
  repeated('a', 257),
  repeated('a', 4_097),
  repeated('a', 16_385),
  repeated('a', 65_536),
  repeated('\xff', 20_000),
  repeated(utf8('я'), 9_000),
  repeated('%41', 3_000),
  repeated('../', 2_000),
  repeated('a,', 10_000),
  repeated(';', 8_000),
];

export const hostileText: fc.Arbitrary<Text> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...STRINGS) },
  { weight: 1, arbitrary: fc.constantFrom(...LONG) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }).map((text) => plain(utf8(text.toWellFormed()))) },
);

const nested = (open: string, inner: string, close: string, times: number): Text => ({ before: open, middle: inner, after: close, times });
const quoted = (text: Text): Text => ({
  ...text,
  before: '',
  middle: `"${render(text).replaceAll(/["\\]/g, '\\$&')}"`,
  after: '',
  times: 0,
});

const NUMBERS = [
  '0',
  '-0',
  '-1',
  '1.5',
  '1e999',
  '-1e999',
  '1e-999',
  '9007199254740993',
  '1e21',
  '0x10',
  'NaN',
  'Infinity',
  '01',
  '99999999999999999999',
];
const WORDS = [
  'null',
  'true',
  'false',
  'undefined',
  '',
  '{}',
  '[]',
  '[[]]',
  '[null]',
  '{"":""}',
  '""',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u0000"',
];
const PROTOTYPES = [
  '{"__proto__":{"isAdmin":true,"length":1e9}}',
  '{"constructor":{"prototype":{"then":1}}}',
  '{"toString":null,"valueOf":null}',
  '{"toJSON":1,"then":1,"length":-1}',
  '{"hasOwnProperty":1,"__proto__":null}',
];
const DEEP: readonly Text[] = [
  nested('[', '', ']', 500),
  nested('[', '1', ']', 20_000),
  nested('{"a":', '1', '}', 5_000),
  nested('{"__proto__":', '{}', '}', 300),
  nested('[', '', '', 30_000), // never closed
];

/** A JSON value as text, or a text that a parser might accept as one. */
export const hostileJson: fc.Arbitrary<Text> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...[...NUMBERS, ...WORDS].map(plain)) },
  { weight: 2, arbitrary: fc.constantFrom(...PROTOTYPES.map(plain)) },
  { weight: 1, arbitrary: fc.constantFrom(...DEEP) },
  { weight: 1, arbitrary: fc.constantFrom(...LONG, ...STRINGS).map(quoted) },
  { weight: 1, arbitrary: fc.json({ maxDepth: 4, stringUnit: 'binary' }).map((text) => plain(utf8(text))) },
);

/** One change of a JSON text: it replaces the nth value, or the name of the nth field. */
export interface JsonChange {
  readonly what: 'value' | 'name' | 'extra';
  readonly nth: number;
  readonly to: Text;
}

export const jsonChange: fc.Arbitrary<JsonChange> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ what: fc.constant('value' as const), nth: fc.nat(30), to: hostileJson }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constantFrom('name' as const, 'extra' as const), nth: fc.nat(30), to: hostileText }) },
);

/** @returns the text (latin1 bytes) of `value` with the changes */
export function changedJson(value: unknown, changes: readonly JsonChange[]): string {
  return changes.reduce(changeJson, utf8(JSON.stringify(value)));
}

/** Changes the text, because the result does not have to be JSON. */
function changeJson(text: string, { what, nth, to }: JsonChange): string {
  const pattern =
    what === 'value' ? /(?<=[:,[])("(?:[^"\\]|\\.)*"(?!\s*:)|-?\d[\d.e+-]*|true|false|null|\{\}|\[\])/g : /"(?:[^"\\]|\\.)*"(?=\s*:)/g;
  const found = [...text.matchAll(pattern)];
  const one = found[nth % Math.max(1, found.length)];
  if (one === undefined) return what === 'value' ? render(to) : text;
  const end = one.index + one[0].length;
  if (what === 'value') return text.slice(0, one.index) + render(to) + text.slice(end);
  const name = `"${render(to).replaceAll(/["\\]/g, '\\$&')}"`;
  return text.slice(0, one.index) + (what === 'name' ? name : `${name}:1,${one[0]}`) + text.slice(end);
}
