import { describe, expect, test } from 'vitest';
import { ended, FENCE, SESSIONS, showing, T0, withState } from '../test/fixtures.ts';
import { judgeNotification, notifiedInstanceSchema, type StateNotification, stateNotificationSchema } from './notification.ts';

const SECOND = T0 / 1_000;
/** Later than the last accepted answer of the fixtures. */
const FRESH = Math.ceil(FENCE / 1_000) + 1;

const body = {
  typeWebhook: 'stateInstanceChanged',
  instanceData: { idInstance: 110100000001, wid: '79990000000@c.us', typeInstance: 'v3' },
  timestamp: FRESH,
  stateInstance: 'authorized',
};
const notification = (overrides: object = {}): StateNotification => stateNotificationSchema.parse({ ...body, ...overrides });
const instanceData = (fields: object) => notification({ instanceData: { ...body.instanceData, ...fields } });

describe('stateNotificationSchema', () => {
  test('accepts ids of 12 digits as numbers and as strings, and returns strings', () => {
    expect(instanceData({ idInstance: 110100000001 }).instanceData.idInstance).toBe('110100000001');
    expect(instanceData({ idInstance: '110100000001' }).instanceData.idInstance).toBe('110100000001');
  });

  test('accepts an empty or missing wid, and unknown fields', () => {
    expect(instanceData({ wid: '' }).instanceData.wid).toBe('');
    expect(notification({ instanceData: { idInstance: 1 }, extra: true }).instanceData.wid).toBeUndefined();
  });

  test.each([
    ['another type', { typeWebhook: 'incomingMessageReceived' }],
    ['no instance', { instanceData: {} }],
    ['an id that lost digits as a number', { instanceData: { idInstance: 2 ** 53 } }],
    ['an id that is no number', { instanceData: { idInstance: '11O1' } }],
    ['an id below one', { instanceData: { idInstance: 0 } }],
    ['a time in fractions', { timestamp: 1.5 }],
    ['no state', { stateInstance: undefined }],
  ])('refuses %s', (_name, overrides) => {
    expect(stateNotificationSchema.safeParse({ ...body, ...overrides }).success).toBe(false);
  });
});

test('notifiedInstanceSchema reads the instance of any notification', () => {
  const other = { typeWebhook: 'incomingMessageReceived', instanceData: body.instanceData, timestamp: FRESH };
  expect(notifiedInstanceSchema.parse(other)).toEqual({ instanceData: { idInstance: '110100000001' } });
  for (const wrong of [{}, { instanceData: {} }, { instanceData: { idInstance: '11O1' } }])
    expect(notifiedInstanceSchema.safeParse(wrong).success).toBe(false);
});

describe('judgeNotification', () => {
  test('believes a fresh login, and says whose it is', () => {
    expect(judgeNotification(SESSIONS.showing, notification())).toEqual({
      kind: 'believe',
      outcome: { kind: 'authorized', account: { wid: '79990000000@c.us', phone: '79990000000' } },
    });
  });

  test.each([
    ['empty', { wid: '' }, null],
    ['missing', { wid: undefined }, null],
    ['without a phone', { wid: 'u-17@c.us' }, { wid: 'u-17@c.us', phone: null }],
    ['a bare number, which need not be a phone', { wid: '79990000000' }, { wid: '79990000000', phone: null }],
  ])('believes a login whose wid is %s', (_name, fields, account) => {
    expect(judgeNotification(SESSIONS.showing, instanceData(fields))).toEqual({
      kind: 'believe',
      outcome: { kind: 'authorized', account },
    });
  });

  test('believes a fresh password step', () => {
    const verdict = judgeNotification(SESSIONS.showing, notification({ stateInstance: 'pendingPassword' }));
    expect(verdict).toEqual({ kind: 'believe', outcome: { kind: 'passwordWanted' } });
  });

  test.each([
    ['of the second before the attempt', SECOND - 1],
    ['of the very second of its start', SECOND],
    ['of yesterday', SECOND - 86_400],
  ])('checks a login %s', (_name, timestamp) => {
    const neverAnswered = withState({ kind: 'waiting', notice: null }, { fence: 0 });
    expect(judgeNotification(neverAnswered, notification({ timestamp }))).toEqual({ kind: 'check' });
    expect(judgeNotification(SESSIONS.showing, notification({ timestamp }))).toEqual({ kind: 'check' });
  });

  test('checks a login if a phone is expected: the holder of the webhook token could name any account', () => {
    expect(judgeNotification(withState(showing, { expectedPhone: '79990000000' }), notification())).toEqual({ kind: 'check' });
  });

  test('counts from the start of the current attempt, not of the session', () => {
    const resumed = withState(showing, { startedAt: T0 + 600_000, newsFrom: T0 + 600_000 });
    expect(judgeNotification(resumed, notification())).toEqual({ kind: 'check' });
  });

  test('checks a login from before the old one was seen logged out', () => {
    // A notification about the old login, from before its end. It comes a minute late: after
    // the logout, with the new code on the screen.
    const relinked = withState(showing, { relink: false, newsFrom: T0 + 60_000 });
    expect(judgeNotification(relinked, notification({ timestamp: SECOND + 1 }))).toEqual({ kind: 'check' });
  });

  test.each(['notAuthorized', 'blocked', 'starting', 'suspended', 'somethingNew'])(
    'checks %s, which is never believed at once',
    (stateInstance) => {
      expect(judgeNotification(SESSIONS.showing, notification({ stateInstance }))).toEqual({ kind: 'check' });
    },
  );

  test('checks even a fresh login while the old one must still be logged out', () => {
    expect(judgeNotification(withState(showing, { relink: true }), notification())).toEqual({ kind: 'check' });
    const leaving = withState({ kind: 'waiting', notice: null }, { logoutsLeft: 3 });
    expect(judgeNotification(leaving, notification())).toEqual({ kind: 'check' });
  });

  test('believes a login for a session that nobody watches or that ran out, and ignores it for a final one', () => {
    for (const session of [SESSIONS.idle, SESSIONS.endedResumable]) expect(judgeNotification(session, notification()).kind).toBe('believe');
    const final = [SESSIONS.connected, SESSIONS.ended, withState(ended('expired'))];
    for (const session of final) expect(judgeNotification(session, notification())).toEqual({ kind: 'ignore' });
  });
});
