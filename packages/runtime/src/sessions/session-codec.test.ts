import { expect, it } from 'vitest';
import { sampleSession } from '../../test/runtime.ts';
import { decodeChange, decodeSession, encodeSession } from './session-codec.ts';

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

it('distinguishes a change with a picture from one without', () => {
  const session = sampleSession();
  const record = encodeSession(session);
  expect(decodeChange(record, session.id)).toEqual({ session, record, image: null });
  expect(decodeChange(`${record}\ndata:image/png;base64,AAAA`, session.id)).toEqual({
    session,
    record,
    image: 'data:image/png;base64,AAAA',
  });
});

it('reads the counts of the viewers before the record, if there are any', () => {
  const session = sampleSession();
  const record = encodeSession(session);
  const picture = 'data:image/png;base64,AAAA';
  expect(decodeChange(`2 a 1:9 b 2:9\n${record}\n${picture}`, session.id)).toEqual({
    session,
    record,
    image: picture,
    counts: ['a', '1:9', 'b', '2:9'],
  });
  expect(decodeChange(`2\n${record}`, session.id)).toEqual({ session, record, image: null, counts: [] });
});

it.each(['', '2', '2 a 1:9', '3\n{}', '2\n', '\n', '2\n{}'])('refuses the change %j', (message) => {
  expect(() => decodeChange(message, 'ses_1')).toThrow();
});

it("refuses another session's record", () => {
  expect(() => decodeSession(encodeSession(sampleSession()), 'ses_1')).toThrow('unknown shape');
});

it.each(['{}', '{"id":"ses_1","version":"1","state":{"kind":"idle"}}', '{"id":"ses_1","version":1}'])('refuses %s', (record) => {
  expect(() => decodeSession(record, 'ses_1')).toThrow('unknown shape');
});
