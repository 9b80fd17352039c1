import type { Session } from '@qrcast/core/session';
import { toWire } from '@qrcast/core/wire';
import { describe, expect, it } from 'vitest';
import { sampleSession } from '../../test/runtime.ts';
import { bodyIn, changeOf, decodeChange, decodeState, encodeState } from './published-state.ts';
import { encodeSession } from './session-codec.ts';

const URL = 'data:image/png;base64,AAAA';
const usual = sampleSession({ reference: 'é "quoted"\n', expectedPhone: '79990000000' });
const code = { digest: 'd', text: 'https://max.ru/:auth/é', issuedAt: 1, staleAt: 2 };
const states: readonly Session['state'][] = [
  { kind: 'idle' },
  { kind: 'waiting', notice: { code: 'rate_limited', retryAt: 3 } },
  { kind: 'showing', notice: { code: 'rate_limited', retryAt: 3 }, code },
  { kind: 'password', notice: null },
  { kind: 'connected', account: { wid: '79990000000@c.us', phone: '79990000000' } },
  { kind: 'ended', reason: 'deadline' },
];
const change = (text: string) => decodeChange(Buffer.from(text), usual.id);

describe.each(states)('the lines of a session that is $kind', (state) => {
  const session: Session = { ...usual, state };
  const published = decodeState(Buffer.from(encodeState(session)), session.id);

  it('have what viewers get, but for the picture and what differs from moment to moment', () => {
    const { viewers, serverNow, ...body } = toWire(session, { image: null, viewers: 3, now: 9 });
    expect([viewers, serverNow]).toEqual([3, 9]);
    expect(JSON.parse(String(bodyIn(published.lines)))).toEqual(body);
  });

  it('have the facts, and neither a text of the code nor an account', () => {
    const { id, version, toldVersion, stamp, createdAt, instanceKey } = session;
    expect(published.session).toMatchObject({ id, version, toldVersion, stamp, createdAt, instanceKey, state: { kind: state.kind } });
    expect(JSON.stringify(published.session)).not.toMatch(/max\.ru|79990000000/);
    if (state.kind === 'showing') expect(published.session.state).toEqual({ ...state, notice: null, code: { ...code, text: null } });
  });
});

describe('a published change', () => {
  const lines = encodeState(usual);
  const { session } = decodeState(Buffer.from(lines), usual.id);

  it.each([
    ['without a picture', `3\n${lines}`, null, []],
    ['with a picture', `3\n${lines}\n${URL}`, URL, []],
    ['with counts', `3 a 1:9 b 2:9\n${lines}\n${URL}`, URL, ['a', '1:9', 'b', '2:9']],
    ['with a picture that needs escapes', `3\n${lines}\n"\\\n\u0001é`, '"\\\n\u0001é', []],
  ] as const)('is read %s', (_case, text, image, counts) => {
    const read = change(text);
    expect({ ...read, image: read.image && String(read.image), lines: String(read.lines) }).toEqual({ session, lines, image, counts });
  });

  it.each([
    ['', []],
    [' a 1:9', ['a', '1:9']],
  ])('with a traceparent is read with the counts %j behind it', (text, counts) => {
    expect(change(`3 traceparent 00-aa-bb-01${text}\n${lines}`)).toMatchObject({ traceparent: '00-aa-bb-01', counts, image: null });
  });

  it('passes a picture on as bytes, unless it needs escapes', () => {
    expect(change(`3\n${lines}\n${URL}`).image).toBeInstanceOf(Buffer);
    for (const odd of ['"', '\\', '\n', '\u0001', 'é']) expect(change(`3\n${lines}\n${URL}${odd}`).image).toBe(`${URL}${odd}`);
  });

  it.each([
    ['with a picture', `2 a 1:9\n${encodeSession(usual)}\n${URL}`, URL, ['a', '1:9']],
    ['without', `2\n${encodeSession(usual)}`, null, []],
    ['from before the counts, with a picture', `${encodeSession(usual)}\n${URL}`, URL, undefined],
    ['from before the counts, without', encodeSession(usual), null, undefined],
  ] as const)('of an older version is read: %s', (_case, text, image, counts) => {
    expect(change(text)).toEqual({ ...changeOf({ session: usual, image }), ...(counts === undefined ? {} : { counts }) });
  });

  const [facts = '', body = ''] = lines.split('\n');
  const foreign = encodeState({ ...usual, id: 'ses_2' });
  const broken = ['', '2', '3', '4\n{}', '2 a 1:9', '3 a 1:9', '3\n{}\n{}', '2\n', '3\n\n', '\n'];
  const bodies = [facts, `${facts}\n`, `${facts}\n{}`, `${facts}\n${body.slice(0, -1)}`, `${facts}\n${foreign.split('\n')[1]}`, foreign];
  it.each([...broken, ...bodies.map((text) => `3\n${text}`)])('is refused if it is %j', (text) => {
    expect(() => change(text)).toThrow();
  });
});
