import type { WireSession } from '@qrcast/core/wire';
import { describe, expect, it } from 'vitest';
import { isFinal, type Model, START, withCall, withConnection, withFresh, withSession } from './model.ts';
import { TEXTS } from './texts.ts';
import { BLANK_EARLY_MS, type Body, blankAt, toView } from './view.ts';

const NOW = 1_790_000_000_000;
const STALE_AT = NOW + 20_000;
const IMAGE = 'data:image/png;base64,AAAA';
const texts = TEXTS.en;

const WAITING: WireSession = {
  id: 'ses_1',
  instanceId: '1101000001',
  reference: null,
  version: 3,
  state: 'waiting',
  code: null,
  notice: null,
  account: null,
  end: null,
  viewers: 1,
  locale: null,
  returnUrl: null,
  startedAt: NOW,
  deadlineAt: NOW + 180_000,
  expiresAt: NOW + 3_600_000,
  serverNow: NOW,
};
const SHOWING: WireSession = { ...WAITING, state: 'showing', code: { image: IMAGE, text: null, issuedAt: NOW, staleAt: STALE_AT } };
const PASSWORD: WireSession = { ...WAITING, state: 'password' };
const CONNECTED: WireSession = { ...WAITING, state: 'connected', account: { wid: null, phone: '79001234567' } };
const DEADLINE: WireSession = { ...WAITING, state: 'ended', end: { reason: 'deadline', resumable: true } };
const CANCELLED: WireSession = { ...WAITING, state: 'ended', end: { reason: 'cancelled', resumable: false } };

const OPEN = withConnection(START, { kind: 'open' });
const LOST = { kind: 'lost', code: null } as const;

function told(...sessions: readonly WireSession[]): Model {
  return sessions.reduce((model, session) => withSession(model, session, session.serverNow), OPEN);
}

function body<K extends Body['kind']>(kind: K, model: Model, now: number | null = NOW): Extract<Body, { kind: K }> {
  const { body } = toView(model, texts, now);
  expect(body.kind).toBe(kind);
  return body as Extract<Body, { kind: K }>;
}

describe('a code', () => {
  it('is shown with what is left of its time', () => {
    expect(body('code', told(SHOWING))).toMatchObject({ image: IMAGE, secondsLeft: 20, share: 1, note: null });
    expect(body('code', told(SHOWING), NOW + 9_850)).toMatchObject({ secondsLeft: 10, share: 0.5 });
    expect(toView(told(SHOWING), texts, NOW)).toMatchObject({ state: 'showing', version: 3, headline: texts.showing, banner: null });
  });

  it('is gone before it is stale, without any message, connected or not', () => {
    for (const model of [told(SHOWING), withConnection(told(SHOWING), LOST)]) {
      const gone = blankAt(model);
      expect(gone).toBe(STALE_AT - BLANK_EARLY_MS);
      body('code', model, STALE_AT - BLANK_EARLY_MS - 1);
      for (const now of [STALE_AT - BLANK_EARLY_MS, STALE_AT, STALE_AT + 60_000]) {
        body('skeleton', model, now);
        expect(toView(model, texts, now)).toMatchObject({ state: 'waiting', version: 3, headline: texts.renewing });
      }
    }
  });

  it('is not shown while the time of the server is unknown', () => {
    body('skeleton', told(SHOWING), null);
  });

  it('is renewed by `fresh`, which the countdown starts anew with', () => {
    const model = withFresh(told(SHOWING), { id: 'ses_1', version: 4, staleAt: STALE_AT + 5_000 }, NOW + 5_000);
    expect(body('code', model, NOW + 5_000)).toMatchObject({ secondsLeft: 20, share: 1 });
    body('code', model, STALE_AT);
    expect(toView(model, texts, NOW + 5_000).version).toBe(4);
  });

  it('is never a picture from somewhere else, nor one that is not there', () => {
    for (const image of [null, 'https://example.org/code.png', '/code.png']) {
      const code = { image, text: null, issuedAt: NOW, staleAt: STALE_AT };
      body('skeleton', told({ ...SHOWING, code }));
    }
  });

  it('stays over a lost connection, which is said', () => {
    const view = toView(withConnection(told(SHOWING), LOST), texts, NOW);
    expect(view).toMatchObject({ state: 'showing', banner: texts.lost });
    expect(view.announcement).toContain(texts.lost);
  });
});

describe('the gate', () => {
  it('drops sessions and renewals that are not newer', () => {
    const model = told(SHOWING);
    expect(withSession(model, { ...WAITING, version: 3 }, NOW)).toBe(model);
    expect(withSession(model, { ...WAITING, version: 2 }, NOW)).toBe(model);
    expect(withFresh(model, { id: 'ses_1', version: 3, staleAt: STALE_AT + 9_000 }, NOW)).toBe(model);
    const renewed = withFresh(model, { id: 'ses_1', version: 5, staleAt: STALE_AT + 5_000 }, NOW);
    expect(withSession(renewed, { ...WAITING, version: 4 }, NOW)).toBe(renewed);
  });

  it('drops what belongs to another session, or renews a code that is not there', () => {
    const model = told(SHOWING);
    expect(withSession(model, { ...WAITING, id: 'ses_2', version: 9 }, NOW)).toBe(model);
    expect(withFresh(model, { id: 'ses_2', version: 9, staleAt: STALE_AT + 9_000 }, NOW)).toBe(model);
    const waiting = told(WAITING);
    expect(withFresh(waiting, { id: 'ses_1', version: 9, staleAt: STALE_AT }, NOW)).toBe(waiting);
  });

  it.each([CONNECTED, CANCELLED])('lets nothing change a final state ($state)', (session) => {
    const model = told(session);
    expect(isFinal(session)).toBe(true);
    expect(withSession(model, { ...SHOWING, version: 9 }, NOW)).toBe(model);
    const refused = withConnection(model, { kind: 'refused', code: 'session_expired' });
    expect(toView(refused, texts, NOW).state).toBe(session.state);
    expect(toView(withConnection(model, LOST), texts, NOW).banner).toBeNull();
  });

  it('lets a new attempt follow a resumable end', () => {
    expect(toView(told(DEADLINE, { ...WAITING, version: 4 }), texts, NOW).state).toBe('waiting');
  });
});

describe('waiting', () => {
  it('says what is wrong, and counts down to the next try', () => {
    const model = told({ ...WAITING, notice: { code: 'provider_timeout', retryAt: NOW + 4_200 } });
    expect(toView(model, texts, NOW).headline.detail).toBe(texts.notices.provider_timeout);
    expect(body('skeleton', model).note).toBe(texts.retryIn(5));
    expect(body('skeleton', model, NOW + 4_200).note).toBe(texts.retryNow);
  });

  it('reads nothing out that ticks', () => {
    const model = told({ ...SHOWING, notice: { code: 'provider_timeout', retryAt: NOW + 9_000 } });
    expect(toView(model, texts, NOW + 4_000).announcement).toBe(toView(model, texts, NOW).announcement);
  });

  it('falls back for words that a newer gateway may send', () => {
    const model = told({ ...WAITING, notice: { code: 'new_trouble' as 'rate_limited', retryAt: NOW } });
    expect(toView(model, texts, NOW).headline.detail).toBe(texts.notices.provider_error);
    expect(toView(told({ ...WAITING, state: 'paused' as 'idle' }), texts, NOW)).toMatchObject({
      state: 'waiting',
      body: { kind: 'skeleton' },
    });
  });
});

describe('the password', () => {
  it('is asked for, and a rejection is told from whichever side it comes first', () => {
    expect(body('password', told(PASSWORD))).toEqual({ kind: 'password', error: null, isBusy: false });
    const rejected = texts.notices.password_rejected;
    expect(body('password', told({ ...PASSWORD, notice: { code: 'password_rejected', retryAt: NOW } })).error).toBe(rejected);
    const failed = withCall(told(PASSWORD), { kind: 'failed', code: 'password_rejected' });
    expect(body('password', failed).error).toBe(texts.calls.password_rejected);
    expect(toView(failed, texts, NOW).announcement).toContain(texts.calls.password_rejected);
  });

  it('says that there were too many attempts', () => {
    const model = told({ ...PASSWORD, notice: { code: 'password_rate_limited', retryAt: NOW + 30_000 } });
    expect(body('password', model)).toMatchObject({ error: texts.notices.password_rate_limited });
  });

  it('is busy from sending until the session moves on or the connection is lost, and shows no old error meanwhile', () => {
    const before = told({ ...PASSWORD, notice: { code: 'password_rejected', retryAt: NOW } });
    expect(body('password', withCall(before, { kind: 'sending' }))).toMatchObject({ isBusy: true, error: null });
    const accepted = withCall(before, { kind: 'accepted' });
    expect(body('password', accepted).isBusy).toBe(true);
    expect(body('password', withSession(accepted, { ...PASSWORD, version: 4 }, NOW)).isBusy).toBe(false);
    expect(body('password', withConnection(accepted, LOST)).isBusy).toBe(false);
  });
});

describe('the end', () => {
  it('shows of the phone the last four digits only', () => {
    expect(body('success', told(CONNECTED)).phone).toEqual({ masked: '•••••••4567', lastDigits: '4567' });
    for (const phone of [null, '', '4567']) {
      expect(body('success', told({ ...CONNECTED, account: { wid: '79001234567@c.us', phone } })).phone).toBeNull();
    }
    expect(body('success', told({ ...CONNECTED, account: null })).phone).toBeNull();
  });

  it('offers a new code only where there can be one', () => {
    expect(toView(told(DEADLINE), texts, NOW)).toMatchObject({ state: 'ended', headline: texts.ends.deadline, body: { canResume: true } });
    expect(toView(told(CANCELLED), texts, NOW)).toMatchObject({ headline: texts.ends.cancelled, body: { canResume: false } });
    const failed = withCall(told(DEADLINE), { kind: 'failed', code: 'tenant_limit_reached' });
    expect(body('stop', failed)).toMatchObject({ isBusy: false, error: texts.calls.other });
  });
});

describe('the connection', () => {
  it('has a skeleton before the first state, and says when that takes more than one try', () => {
    expect(toView(START, texts, null)).toMatchObject({ state: 'connecting', version: null, banner: null, body: { kind: 'skeleton' } });
    expect(toView(withConnection(START, LOST), texts, null)).toMatchObject({ state: 'connecting', banner: texts.lost });
  });

  it('names the reason the server gave for leaving', () => {
    const model = withConnection(told(WAITING), { kind: 'lost', code: 'draining' });
    expect(toView(model, texts, NOW).banner).toBe(texts.closes.draining.title);
  });

  it('is over for good after a refusal, code and all', () => {
    const model = withConnection(told(SHOWING), { kind: 'refused', code: 'ticket_revoked' });
    expect(toView(model, texts, NOW)).toMatchObject({
      state: 'refused',
      headline: texts.closes.ticket_revoked,
      body: { kind: 'stop', canResume: false },
    });
  });
});
