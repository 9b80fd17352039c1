import { describe, expect, test } from 'vitest';
import { created, ended, NOW, SESSIONS, showing, withState } from '../test/fixtures.ts';
import type { NoticeCode } from './outcome.ts';
import type { EndReason, Session } from './session.ts';
import { type Delivery, type Format, owed, toWire, wireSessionSchema } from './wire.ts';

const delivery: Delivery = { image: 'data:image/png;base64,AAAA', viewers: 2, now: NOW };
const decoded = withState({ ...showing, code: { ...showing.code, text: 'https://example.com/:auth/1' } });

describe('toWire', () => {
  test.each(Object.entries(SESSIONS))('%s is a valid session object', (_name, session) => {
    expect(wireSessionSchema.strict().parse(toWire(session, delivery))).toMatchObject({
      state: session.state.kind,
      serverNow: NOW,
      viewers: 2,
    });
  });

  const codes: Record<NoticeCode, true> = {
    instance_starting: true,
    provider_not_ready: true,
    provider_timeout: true,
    provider_refused: true,
    provider_unreachable: true,
    provider_error: true,
    rate_limited: true,
    password_rejected: true,
    password_rate_limited: true,
    login_finishing: true,
    provider_slow: true,
  };

  test.each(Object.keys(codes) as NoticeCode[])('notice %s is part of the contract', (code) => {
    const session = withState({ kind: 'waiting', notice: { code, retryAt: NOW } });
    expect(wireSessionSchema.parse(toWire(session, delivery)).notice).toEqual({ code, retryAt: NOW });
  });

  const resumable: Record<EndReason, boolean> = {
    deadline: true,
    provider_down: true,
    cancelled: false,
    credentials_rejected: false,
    instance_deleted: false,
    instance_expired: true,
    instance_blocked: false,
    account_mismatch: false,
    expired: false,
  };

  test.each(Object.entries(resumable) as [EndReason, boolean][])('end %s, resumable: %s', (reason, isResumable) => {
    expect(wireSessionSchema.parse(toWire(withState(ended(reason)), delivery)).end).toEqual({ reason, resumable: isResumable });
  });

  test.each<[readonly Format[] | undefined, string | null, string | null]>([
    [undefined, 'data:image/png;base64,AAAA', 'https://example.com/:auth/1'],
    [['image'], 'data:image/png;base64,AAAA', null],
    [['text'], null, 'https://example.com/:auth/1'],
  ])('formats %j', (formats, image, text) => {
    const { code } = toWire(decoded, formats === undefined ? delivery : { ...delivery, formats });
    expect(code).toMatchObject({ image, text });
  });

  test('a picture is only sent with the state showing, even if one is at hand', () => {
    for (const [name, session] of Object.entries(SESSIONS)) {
      expect(JSON.stringify(toWire(session, delivery)).includes('AAAA'), name).toBe(name === 'showing');
    }
  });

  test('contains nothing of the tenant, the key of the instance, the expected phone or the schedule', () => {
    const text = JSON.stringify(toWire({ ...SESSIONS.waiting, expectedPhone: '79995554433' }, delivery));
    for (const inner of ['acme', 'key_1', '79995554433', 'fence', 'next', 'refusals']) expect(text).not.toContain(inner);
  });
});

describe('owed', () => {
  const at = (session: Session, version: number, toldVersion: number): Session => ({ ...session, version, toldVersion });

  test.each([
    ['nothing new', at(SESSIONS.showing, 7, 5), 7, 'nothing'],
    ['told a newer one, as by another gateway', at(SESSIONS.showing, 7, 5), 9, 'nothing'],
    ['only renewed since', at(SESSIONS.showing, 7, 5), 5, 'fresh'],
    ['only renewed since, one missed', at(SESSIONS.showing, 7, 5), 6, 'fresh'],
    ['a change to tell was missed', at(SESSIONS.showing, 7, 5), 4, 'session'],
    ['the change to tell is the last', at(SESSIONS.showing, 7, 7), 6, 'session'],
    ['nothing told yet', at(SESSIONS.waiting, 7, 5), 0, 'session'],
    ['only the fence moved', at(SESSIONS.waiting, 7, 5), 5, 'nothing'],
    ['only the fence moved, idle', at(SESSIONS.idle, 7, 5), 6, 'nothing'],
    ['a new session', created(), 0, 'session'],
  ] as const)('%s', (_name, session, told, due) => {
    expect(owed(session, told)).toBe(due);
  });
});
