/** PROTOCOL.md names each call, state, notice and end of the code. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openApiDocument } from './contract/openapi.ts';
import { endReasonSchema, noticeCodeSchema, sessionStateSchema } from './wire.ts';

const protocol = readFileSync(new URL('../PROTOCOL.md', import.meta.url), 'utf8');

/** The first cell of each row of the table with this head. */
function namesIn(head: RegExp): string[] {
  const lines = protocol.split('\n');
  const rows = lines.slice(lines.findIndex((line) => head.test(line)) + 2);
  const end = rows.findIndex((line) => !line.startsWith('|'));
  return rows.slice(0, end).map((line) => line.replaceAll('`', '').split('|')[1]?.trim() ?? '');
}

test.each([
  [/^\| state +\|/, sessionStateSchema.options],
  [/^\| `notice\.code` +\|/, noticeCodeSchema.options],
  [/^\| `end\.reason` +\|/, endReasonSchema.options],
])('every value in the table %s, and no other', (head, values) => {
  expect(namesIn(head)).toEqual(values);
});

test('every call of the API', () => {
  const withoutNames = (text: string): string => text.replaceAll(/\{\w+\}/g, '{}');
  const { paths } = openApiDocument({ serverUrl: 'http://127.0.0.1', version: '0' });
  const calls = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${withoutNames(path)}`),
  );
  const api = calls.filter((call) => call.includes(' /v1/'));
  expect(api.length).toBeGreaterThan(20);
  const text = withoutNames(protocol);
  // A call may stand beside its sibling as its last segment alone: `/code.png`.
  const isNamed = (call: string): boolean => text.includes(call) || text.includes(`\`/${call.split('/').at(-1)}\``);
  expect(api.filter((call) => !isNamed(call))).toEqual([]);
});
