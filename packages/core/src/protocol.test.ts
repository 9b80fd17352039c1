/** PROTOCOL.md's tables and lists of words say what the code says. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { auditActionSchema, auditEntrySchema } from './audit.ts';
import { CLOSE_CODES, type CloseReason, isRetryableClose } from './close-codes.ts';
import { CONNECTION_CAUSES, connectionCauseSchema } from './connection-cause.ts';
import { ERRORS } from './errors.ts';
import { ADDRESS_LIMITS, DEFAULT_ADDRESS_LIMITS, DEFAULT_TENANT_LIMITS, limitNameSchema, TENANT_LIMITS } from './tenant-limits.ts';

const protocol = readFileSync(new URL('../PROTOCOL.md', import.meta.url), 'utf8');

/** Rows of the table with this head, as `number | code | yes or no`. */
function tableOf(head: RegExp): string[] {
  const lines = protocol.split('\n');
  const start = lines.findIndex((line) => head.test(line));
  const rows = lines.slice(start + 2);
  return rows
    .slice(
      0,
      rows.findIndex((line) => !line.startsWith('|')),
    )
    .map((line) =>
      line
        .replaceAll('`', '')
        .split('|')
        .slice(1, 4)
        .map((cell) => cell.trim())
        .join(' | '),
    );
}

const yesOrNo = (is: boolean): string => (is ? 'yes' : 'no');

function expectSame(table: readonly string[], rows: readonly string[]): void {
  expect(table.length).toBeGreaterThan(5);
  expect(table).toEqual(rows);
}

test('the error codes', () => {
  const rows = Object.entries(ERRORS).map(([code, { status, retryable }]) => `${status} | ${code} | ${yesOrNo(retryable)}`);
  expectSame(tableOf(/^\| status \| code +\| retryable \|/), rows);
});

test('the close codes', () => {
  const reasons = Object.keys(CLOSE_CODES) as CloseReason[]; // these are its keys
  const rows = reasons.map((reason) => `${CLOSE_CODES[reason]} | ${reason} | ${yesOrNo(isRetryableClose(reason))}`);
  expectSame(tableOf(/^\| number \| code +\| reconnect \|/), rows);
});

test('every cause of a failed connection is documented, and no other', () => {
  const table = protocol.slice(protocol.indexOf('| `cause`'));
  const rows = table.slice(0, table.indexOf('\n\n')).split('\n').slice(2);
  expect(rows.map((row) => /^\| `(\w+)`/.exec(row)?.[1])).toEqual(Object.keys(CONNECTION_CAUSES));
  const described = connectionCauseSchema.meta()?.description;
  for (const [cause, words] of Object.entries(CONNECTION_CAUSES)) expect(described).toContain(`\`${cause}\`: ${words}.`);
});

/** The words in backticks from the first text to the second. */
const wordsBetween = (from: string, to: string): string[] => {
  const [, section = ''] = protocol.split(from);
  return [...(section.split(to)[0] ?? '').matchAll(/`([\w.]+)`/g)].map(([, word = '']) => word);
};

test('the words of the audit log', () => {
  const { actor, credential } = auditEntrySchema.shape;
  expect(wordsBetween('- `action`:', '`subjectId`')).toEqual(auditActionSchema.options);
  expect(wordsBetween('- `actor.kind`:', '`id`')).toEqual(actor.shape.kind.options);
  expect(wordsBetween('what the refused credential was taken for:', 'null')).toEqual(expect.arrayContaining(credential.unwrap().options));
});

test('the limits and their defaults', () => {
  const rowsOf = (head: RegExp): string[] => tableOf(head).map((row) => row.split(' | ').slice(0, 2).join(' | '));
  const rows = (limits: object): string[] => Object.entries(limits).map(([name, limit]) => `${name} | ${limit}`);
  expect(rowsOf(/^\| `limits\.…` +\| default \|/)).toEqual(rows(DEFAULT_TENANT_LIMITS));
  expect(rowsOf(/^\| `limit` +\| default \|/)).toEqual(rows(DEFAULT_ADDRESS_LIMITS));
  expect(limitNameSchema.options).toEqual([...Object.keys(TENANT_LIMITS), ...Object.keys(ADDRESS_LIMITS)]);
});
