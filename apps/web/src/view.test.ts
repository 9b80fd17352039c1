import { isFinal } from '@qrcast/client';
import type { Session } from '@qrcast/client/types';
import { describe, expect, it } from 'vitest';
import { CANCELLED, CODE, CONNECTED, DEADLINE, IMAGE, LOST, NOW, OPEN, PASSWORD, SHOWING, TEXT, WAITING } from '../test/watch.ts';
import { textsOf } from './languages.ts';
import { type Model, START } from './login.ts';
import { type Body, toRefusedView, toView, type View } from './view.ts';

const texts = textsOf('en');

function told(session: Session | null, more: Partial<Model> = {}): Model {
  return { ...START, session, connection: OPEN, lifetimeMs: 20_000, ...more };
}

function view(model: Model, now: number | null = NOW, returnAt: number | null = null): View {
  return toView(model, { texts, now, returnAt });
}

function body<K extends Body['kind']>(kind: K, model: Model, now: number | null = NOW, returnAt: number | null = null) {
  const { body } = view(model, now, returnAt);
  expect(body.kind).toBe(kind);
  return body as Extract<Body, { kind: K }>;
}

describe('a code', () => {
  it('is shown with its remaining time', () => {
    expect(body('code', told(SHOWING))).toMatchObject({ image: IMAGE, text: TEXT, secondsLeft: 20, share: 1, note: null });
    expect(body('code', told(SHOWING), NOW + 10_000)).toMatchObject({ secondsLeft: 10, share: 0.5 });
    expect(view(told(SHOWING))).toMatchObject({
      state: 'showing',
      version: 3,
      headline: texts.showing,
      ticksTo: CODE.staleAt,
      banner: null,
    });
  });

  it('is gone when the watch has removed it, and the text says so', () => {
    const blanked = { ...SHOWING, code: null };
    expect(body('skeleton', told(blanked))).toEqual({ kind: 'skeleton', note: null });
    expect(view(told(blanked))).toMatchObject({ state: 'waiting', version: 3, headline: texts.renewing });
    expect(view(told(blanked, { connection: LOST }))).toMatchObject({ state: 'waiting', headline: texts.cutOff, banner: texts.lost });
  });

  it('is not shown while the server’s time is unknown', () => {
    body('skeleton', told(SHOWING), null);
  });

  it('is never a picture from elsewhere, or a missing one', () => {
    for (const image of [null, 'https://example.org/code.png', '/code.png']) {
      body('skeleton', told({ ...SHOWING, code: { ...CODE, image, text: null } }));
      expect(body('code', told({ ...SHOWING, code: { ...CODE, image } })).image).toBeNull();
    }
  });

  it('is a link only if it is an https address', () => {
    expect(body('code', told(SHOWING)).link).toBe(TEXT);
    for (const text of [null, 'http://max.ru/1', 'javascript:alert(1)', 'https://', 'max.ru/1']) {
      expect(body('code', told({ ...SHOWING, code: { ...CODE, text } })).link).toBeNull();
    }
  });

  it('stays during a lost connection or a problem, and the text says so', () => {
    const notice = { code: 'provider_timeout', retryAt: NOW } as const;
    const troubled = told({ ...SHOWING, notice }, { connection: LOST });
    expect(body('code', troubled).note).toBe(texts.notices.provider_timeout);
    expect(view(troubled)).toMatchObject({ state: 'showing', banner: texts.lost });
    expect(view(troubled).announcement).toContain(texts.lost);
  });
});

describe('waiting', () => {
  it('shows the problem, and counts down to the next try', () => {
    const model = told({ ...WAITING, notice: { code: 'provider_timeout', retryAt: NOW + 4_200 } });
    expect(view(model)).toMatchObject({ headline: { detail: texts.notices.provider_timeout }, ticksTo: NOW + 4_200 });
    expect(body('skeleton', model).note).toBe(texts.retryIn(5));
    expect(body('skeleton', model, NOW + 4_200).note).toBe(texts.retryNow);
  });

  it('says that MAX is slow, without a countdown: the request is under way', () => {
    const model = told({ ...WAITING, notice: { code: 'provider_slow', retryAt: NOW } });
    expect(view(model)).toMatchObject({ headline: { detail: texts.notices.provider_slow }, ticksTo: null });
    expect(view(model).announcement).toContain(texts.notices.provider_slow);
    expect(body('skeleton', model).note).toBeNull();
  });

  it('announces no countdown', () => {
    const models = [
      told({ ...WAITING, notice: { code: 'provider_timeout', retryAt: NOW + 9_000 } }),
      told(SHOWING),
      told({ ...CONNECTED, returnUrl: 'https://shop.example.com/' }),
      told(PASSWORD, { callableAt: NOW + 9_000 }),
    ];
    for (const model of models) {
      const at = (now: number) => view(model, now, NOW + 5_000);
      expect(at(NOW + 4_000)).not.toEqual(at(NOW)); // something did tick
      expect(at(NOW + 4_000).announcement).toBe(at(NOW).announcement);
    }
  });

  it('has a fallback for codes of a newer gateway', () => {
    const model = told({ ...WAITING, notice: { code: 'new_trouble' as 'rate_limited', retryAt: NOW } });
    expect(view(model).headline.detail).toBe(texts.notices.provider_error);
    expect(view(told({ ...WAITING, state: 'paused' as 'idle' }))).toMatchObject({ state: 'waiting', body: { kind: 'skeleton' } });
  });
});

describe('a scanned code', () => {
  it.each(['idle', 'waiting', 'showing'] as const)('is reported, and no other scan is asked for, while the session is %s', (state) => {
    const notice = { code: 'login_finishing', retryAt: NOW + 4_000 } as const;
    const code = state === 'showing' ? CODE : null;
    expect(view(told({ ...WAITING, state, code, notice }))).toMatchObject({
      state: 'waiting',
      mark: 'dots',
      headline: texts.finishing,
      body: { kind: 'finishing' },
      ticksTo: null,
    });
  });

  it('changes nothing at the password step or after the end', () => {
    const notice = { code: 'login_finishing', retryAt: NOW } as const;
    expect(body('password', told({ ...PASSWORD, notice })).error).toBe(texts.notices.login_finishing);
    expect(body('success', told({ ...CONNECTED, notice })).phone).not.toBeNull();
  });
});

describe('the password', () => {
  const startOver = (code: string, callableAt: number | null = null) => ({ call: { kind: 'failed', code }, callableAt }) as const;

  it('can be left for a new code, with errors of its own', () => {
    expect(body('password', told(PASSWORD, { startOver: startOver('unavailable') }))).toMatchObject({
      error: null,
      startOver: { error: texts.calls.unavailable, ask: { isBusy: false } },
    });
    expect(view(told(PASSWORD, { startOver: startOver('unavailable') })).announcement).toContain(texts.calls.unavailable);
    const failed = told(PASSWORD, { call: { kind: 'failed', code: 'password_rejected' } });
    expect(body('password', failed).startOver).toEqual({ error: null, ask: { isBusy: false, waitSeconds: null } });
  });

  it('can be left again after a wait, as often as a session allows', () => {
    const soon = told(PASSWORD, { startOver: startOver('too_many_requests', NOW + 5_000) });
    expect(body('password', soon)).toMatchObject({
      ask: { waitSeconds: null },
      startOver: { error: texts.calls.too_many_requests, ask: { waitSeconds: 5 } },
    });
    expect(view(soon).ticksTo).toBe(NOW + 5_000);
    const spent = told(PASSWORD, { startOver: startOver('too_many_requests', NOW + 3_600_000) });
    expect(body('password', spent).startOver).toEqual({ error: texts.startOverSpent, ask: null });
    expect(view(spent).ticksTo).toBeNull();
  });

  it('is requested, and shows a rejection from the call or the notice, whichever comes first', () => {
    expect(body('password', told(PASSWORD))).toEqual({
      kind: 'password',
      error: null,
      ask: { isBusy: false, waitSeconds: null },
      startOver: { error: null, ask: { isBusy: false, waitSeconds: null } },
    });
    const rejected = texts.notices.password_rejected;
    expect(body('password', told({ ...PASSWORD, notice: { code: 'password_rejected', retryAt: NOW } })).error).toBe(rejected);
    const failed = told(PASSWORD, { call: { kind: 'failed', code: 'password_rejected' } });
    expect(body('password', failed).error).toBe(texts.calls.password_rejected);
    expect(view(failed).announcement).toContain(texts.calls.password_rejected);
  });

  it('shows no old error while a new password is being sent', () => {
    const rejected = { ...PASSWORD, notice: { code: 'password_rejected', retryAt: NOW } } as const;
    for (const kind of ['sending', 'accepted'] as const) {
      expect(body('password', told(rejected, { call: { kind } }))).toMatchObject({ error: null, ask: { isBusy: true } });
    }
  });

  it('waits while another try cannot succeed', () => {
    const model = told(PASSWORD, { call: { kind: 'failed', code: 'too_many_requests' }, callableAt: NOW + 60_000 });
    expect(body('password', model)).toMatchObject({ error: texts.calls.too_many_requests, ask: { isBusy: false, waitSeconds: 60 } });
    expect(view(model).ticksTo).toBe(NOW + 60_000);
    expect(body('password', model, NOW + 60_000).ask.waitSeconds).toBeNull();
  });
});

describe('the end', () => {
  it('shows only the last four digits of the phone', () => {
    expect(body('success', told(CONNECTED)).phone).toEqual({ masked: '•••••••4567', lastDigits: '4567' });
    for (const phone of [null, '', '4567']) {
      expect(body('success', told({ ...CONNECTED, account: { wid: '79001234567@c.us', phone } })).phone).toBeNull();
    }
    expect(body('success', told({ ...CONNECTED, account: null })).phone).toBeNull();
  });

  it('names the site by the name that people know', () => {
    const back = told({ ...CONNECTED, returnUrl: 'https://ПРИМЕР.рф:8443/заказ' });
    expect(body('success', back).way).toEqual({
      url: 'https://xn--e1afmkfd.xn--p1ai:8443/%D0%B7%D0%B0%D0%BA%D0%B0%D0%B7',
      host: 'пример.рф:8443',
    });
  });

  it('leads back to where the person came from, and announces an automatic return', () => {
    const back = told({ ...CONNECTED, returnUrl: 'https://shop.example.com:8443/orders?id=77' });
    const way = { url: 'https://shop.example.com:8443/orders?id=77', host: 'shop.example.com:8443' };
    expect(body('success', back)).toMatchObject({ way, returnsIn: null });
    expect(view(back).ticksTo).toBeNull();
    expect(body('success', back, NOW, NOW + 4_500)).toMatchObject({ way, returnsIn: 5 });
    expect(view(back, NOW, NOW + 4_500)).toMatchObject({ ticksTo: NOW + 4_500 });
    expect(view(back, NOW, NOW + 4_500).announcement).toContain(texts.returnSoon(way.host));
    expect(body('stop', told({ ...CANCELLED, returnUrl: way.url })).way).toEqual(way);
  });

  it.each(['javascript:alert(1)', 'data:text/html,x', 'ftp://example.com/', 'nonsense', ''])('leads nowhere else: %s', (returnUrl) => {
    expect(body('success', told({ ...CONNECTED, returnUrl })).way).toBeNull();
  });

  it('offers a new code only if one is possible', () => {
    expect(view(told(DEADLINE))).toMatchObject({
      state: 'ended',
      mark: 'clock',
      headline: texts.ends.deadline,
      body: { ask: { isBusy: false } },
    });
    expect(view(told(CANCELLED))).toMatchObject({ mark: 'alert', headline: texts.ends.cancelled, body: { ask: null } });
    const failed = told(DEADLINE, { call: { kind: 'failed', code: 'tenant_limit_reached' } });
    expect(body('stop', failed)).toMatchObject({ error: texts.calls.other, ask: { isBusy: false } });
  });

  it('is final, or not', () => {
    expect([CONNECTED, CANCELLED, DEADLINE, PASSWORD].map(isFinal)).toEqual([true, true, false, false]);
  });
});

describe('the connection', () => {
  it('shows a skeleton before the first state, and says if that takes more than one try', () => {
    expect(view(START, null)).toMatchObject({ state: 'connecting', version: null, banner: null, body: { kind: 'skeleton' } });
    expect(view(told(null, { connection: LOST }), null)).toMatchObject({ state: 'connecting', banner: texts.unreachable });
    const model = told(null, { connection: { status: 'retrying', code: 'no_gateway', retryAt: NOW } });
    expect(view(model, null)).toMatchObject({ state: 'connecting', banner: texts.refusals.no_gateway.title });
  });

  it('names the server’s reason for closing', () => {
    const model = told(WAITING, { connection: { status: 'retrying', code: 'draining', retryAt: NOW } });
    expect(view(model).banner).toBe(texts.refusals.draining.title);
  });

  it('is over after a refusal, and no code is shown', () => {
    const model = told(SHOWING, { connection: { status: 'refused', code: 'ticket_revoked', detail: null } });
    expect(view(model)).toMatchObject({ state: 'refused', headline: texts.refusals.ticket_revoked, body: { kind: 'stop', ask: null } });
    expect(toRefusedView('no_ticket', null, texts)).toMatchObject({ state: 'refused', mark: 'alert', headline: texts.refusals.no_ticket });
    expect(toRefusedView('not_completed', null, texts)).toMatchObject({ mark: 'alert', headline: texts.refusals.not_completed });
    expect(toRefusedView('done', null, texts)).toMatchObject({ state: 'refused', mark: 'check', headline: texts.refusals.done });
  });

  it('is not shown after a final state', () => {
    const refused = told(CONNECTED, { connection: { status: 'refused', code: 'session_expired', detail: null } });
    expect(view(refused).state).toBe('connected');
    expect(view(told(CONNECTED, { connection: LOST })).banner).toBeNull();
  });
});
