/** Every session that the machine makes is accepted, and none with a field of another type. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { created } from '../test/fixtures.ts';
import { history } from '../test/histories.ts';
import { reduce } from './reduce.ts';
import { isSession } from './session-record.ts';

const session = history.map(({ policy, first, events }) => events.reduce((before, event) => reduce(policy, before, event), first));

test('every session that the machine makes is accepted after JSON', () => {
  fc.assert(fc.property(session, (one) => isSession(JSON.parse(JSON.stringify(one)))));
});

/** The names of all fields, those within others after a dot. */
const namesIn = (value: object, before = ''): string[] =>
  Object.entries(value).flatMap(([name, inner]) => [
    before + name,
    ...(typeof inner === 'object' && inner !== null ? namesIn(inner, `${before}${name}.`) : []),
  ]);

function put(value: object, path: readonly string[], to: unknown): object {
  const [name = '', ...rest] = path;
  const fields = value as Record<string, object>;
  return { ...fields, [name]: rest.length === 0 ? to : put(fields[name] ?? {}, rest, to) };
}

test('a session with a field of another type, or without one, is refused', () => {
  // No field may be `{}`. JSON turns a number like 1e999 into Infinity.
  const wrong = fc.constantFrom<unknown>(undefined, {}, [], Number.NaN, Number.POSITIVE_INFINITY);
  fc.assert(
    fc.property(session, fc.nat(), wrong, (one, nth, to) => {
      const names = namesIn(one);
      const name = names[nth % names.length] ?? '';
      expect({ name, is: isSession(put(one, name.split('.'), to)) }).toEqual({ name, is: false });
    }),
    { numRuns: 2_000 },
  );
});

test('a word inside a list is not that word', () => {
  const one = created();
  expect(isSession(one)).toBe(true);
  expect(isSession({ ...one, login: [one.login] })).toBe(false);
  expect(isSession({ ...one, next: { ...one.next, ask: [one.next.ask] } })).toBe(false);
});

test.each([null, 1, 'text', [], {}, { id: 'ses_1', version: 1, state: { kind: 'showing' } }])('%j is none', (value) => {
  expect(isSession(value)).toBe(false);
});
