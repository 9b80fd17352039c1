import { expect, it } from 'vitest';
import { sampleSession } from '../../test/runtime.ts';
import { decodeSession, encodeSession } from './session-codec.ts';

it('decodes what it encoded, usual or not', () => {
  const usual = sampleSession();
  const unusual = {
    ...usual,
    newsFrom: usual.startedAt + 1,
    reference: 'order-77',
    relink: true,
    failures: 3,
    refusals: 1,
    expectedPhone: '79990000000',
    logoutOnMismatch: true,
    logoutsLeft: 2,
    locale: 'ru',
    returnUrl: 'https://a',
  };
  for (const session of [usual, unusual]) expect(decodeSession(encodeSession(session), session.id)).toEqual(session);
  expect(encodeSession(usual).length).toBeLessThan(encodeSession(unusual).length);
});

it('reads the expected phone of an older version in international form', () => {
  const session = sampleSession({ expectedPhone: '89001234567' });
  expect(decodeSession(encodeSession(session), session.id).expectedPhone).toBe('79001234567');
});

it("refuses another session's record", () => {
  expect(() => decodeSession(encodeSession(sampleSession()), 'ses_1')).toThrow('unknown shape');
});

it.each(['{}', '{"id":"ses_1","version":"1","state":{"kind":"idle"}}', '{"id":"ses_1","version":1}'])('refuses %s', (record) => {
  expect(() => decodeSession(record, 'ses_1')).toThrow('unknown shape');
});
