import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { callbackSchema, disconnectedCallback, instanceCallbackBodySchema } from './callback.ts';
import { judgeCheck, nextCheckAt } from './connected-check.ts';
import {
  type ConnectedInstance,
  connectedInstance,
  connectedInstanceSchema,
  isPeriodOver,
  judgeLoss,
  type Login,
  OWN_LOGOUT_MS,
  withLogin,
} from './connected-instance.ts';
import type { Outcome } from './outcome.ts';

const LOGIN_AT = 1_790_000_000_400;
const DAY_MS = 86_400_000;
const login: Login = {
  tenantId: 'acme',
  instanceId: '1101000001',
  sessionId: 'ses_abc',
  reference: 'order-77',
  instanceKey: 'key-of-it',
  loginAt: LOGIN_AT,
};

function recordOf(fields: Partial<ConnectedInstance> = {}): ConnectedInstance {
  const record = connectedInstance(login, 30, LOGIN_AT);
  if (record === null) throw new Error('the period is over');
  return { ...record, ...fields };
}

const notified = (state: string, at: number) => ({ state, at, by: 'notification' }) as const;
const NOW = LOGIN_AT + 10 * DAY_MS;

describe('what the provider notifies', () => {
  test.each([
    ['notAuthorized', 'lost'],
    ['blocked', 'lost'],
    ['starting', 'nothing'],
    ['suspended', 'nothing'],
    ['authorized', 'nothing'],
    ['pendingPassword', 'nothing'],
    ['yellowCard', 'nothing'],
    ['', 'nothing'],
    ['NotAuthorized', 'nothing'],
  ])('%s, later than the login: %s', (state, verdict) => {
    expect(judgeLoss(recordOf(), notified(state, LOGIN_AT + 5_000), NOW)).toBe(verdict);
  });

  test.each([
    [-DAY_MS, 'nothing'],
    [-1_000, 'nothing'],
    [-401, 'nothing'],
    [-400, 'lost'], // in the same second as the login, which whole seconds cannot tell apart
    [1_000, 'lost'],
    [9 * DAY_MS, 'lost'],
  ])('at %s ms from the login: %s', (offset, verdict) => {
    expect(judgeLoss(recordOf(), notified('notAuthorized', LOGIN_AT + offset), NOW)).toBe(verdict);
  });

  test('nothing is lost after the period', () => {
    const { keepUntil } = recordOf();
    expect(keepUntil).toBe(LOGIN_AT + 30 * DAY_MS);
    const said = notified('notAuthorized', LOGIN_AT + DAY_MS);
    expect(judgeLoss(recordOf(), said, keepUntil - 1)).toBe('lost');
    expect(judgeLoss(recordOf(), said, keepUntil)).toBe('nothing');
  });

  test('nothing for a tenant that keeps nothing, or a login that is older than the period', () => {
    expect(connectedInstance(login, 0, LOGIN_AT)).toBeNull();
    expect(connectedInstance(login, 1, LOGIN_AT + DAY_MS)).toBeNull();
    expect(connectedInstance(login, 1, LOGIN_AT + DAY_MS - 1)).not.toBeNull();
  });

  test('a tenant can shorten the period of a login, but not lengthen it', () => {
    const over = (keepDays: number, day: number, ms: number) => isPeriodOver(recordOf(), keepDays, LOGIN_AT + day * DAY_MS + ms);
    expect([over(2, 2, -1), over(2, 2, 0)]).toEqual([false, true]);
    expect([over(90, 30, -1), over(90, 30, 0)]).toEqual([false, true]);
  });
});

describe('our own logout', () => {
  const ownLogoutAt = LOGIN_AT + DAY_MS + 300;
  test.each([
    ['notAuthorized', -1_000, 'lost'], // before we asked for the logout
    ['notAuthorized', -300, 'logged_out'], // in the same second
    ['notAuthorized', 2_000, 'logged_out'],
    ['notAuthorized', OWN_LOGOUT_MS - 1, 'logged_out'],
    ['notAuthorized', OWN_LOGOUT_MS, 'lost'],
    ['blocked', 2_000, 'lost'],
  ])('%s %s ms after it: %s', (state, offset, verdict) => {
    expect(judgeLoss(recordOf({ ownLogoutAt }), notified(state, ownLogoutAt + offset), NOW)).toBe(verdict);
  });

  test('found by a check that began before it and was answered after it', () => {
    const startedAt = ownLogoutAt - 4_000;
    expect(judgeCheck(recordOf({ ownLogoutAt }), { kind: 'notAuthorized' }, startedAt, ownLogoutAt + 1_000).kind).toBe('logged_out');
    expect(judgeCheck(recordOf(), { kind: 'notAuthorized' }, startedAt, ownLogoutAt + 1_000).kind).toBe('lost'); // a loss, because no logout of our own counts
  });

  test.each([
    [-1, 'logged_out'],
    [0, 'logged_out'],
    [1, 'lost'],
  ])('a check that began %s ms after it and found the instance linked: what is notified then is %s', (offset, verdict) => {
    const seen = judgeCheck(recordOf({ ownLogoutAt }), { kind: 'authorized', account: null }, ownLogoutAt + offset, ownLogoutAt + 500);
    if (seen.kind !== 'kept') throw new Error('it was linked');
    expect(judgeLoss(seen.record, notified('notAuthorized', ownLogoutAt + 2_000), NOW)).toBe(verdict);
  });

  test('found by a check later: it was ours, unless the instance was seen linked in between', () => {
    const record = recordOf({ ownLogoutAt });
    const at = ownLogoutAt + DAY_MS;
    expect(judgeCheck(record, { kind: 'notAuthorized' }, at, at).kind).toBe('logged_out');
    const seen = judgeCheck(record, { kind: 'authorized', account: null }, at, at);
    expect(seen.kind === 'kept' && judgeCheck(seen.record, { kind: 'notAuthorized' }, at + 1, at + 1).kind).toBe('lost');
  });
});

describe('a check', () => {
  const at = LOGIN_AT + DAY_MS;
  test.each<[Outcome, string]>([
    [{ kind: 'notAuthorized' }, 'lost'],
    [{ kind: 'refused', reason: 'instance_blocked' }, 'lost'],
    [{ kind: 'authorized', account: null }, 'kept'],
    [{ kind: 'passwordWanted' }, 'kept'],
    [{ kind: 'trouble', code: 'instance_starting' }, 'kept'],
    [{ kind: 'trouble', code: 'rate_limited', retryAfterMs: 60_000 }, 'kept'],
    [{ kind: 'refused', reason: 'credentials_rejected' }, 'kept'],
  ])('that is answered %o: %s', (outcome, kind) => {
    expect(judgeCheck(recordOf(), outcome, at, at).kind).toBe(kind);
  });

  test('that is refused twice in a row deletes the credentials, unless a good answer came in between', () => {
    const refused = { kind: 'refused', reason: 'credentials_rejected' } as const;
    const once = judgeCheck(recordOf(), refused, at, at);
    if (once.kind !== 'kept') throw new Error('one refusal is not enough');
    expect(judgeCheck(once.record, refused, at, at)).toEqual({ kind: 'refused', reason: 'credentials_rejected' });
    const healthy = judgeCheck(once.record, { kind: 'authorized', account: null }, at, at);
    expect(healthy.kind === 'kept' && judgeCheck(healthy.record, refused, at, at).kind).toBe('kept');
    const troubled = judgeCheck(once.record, { kind: 'trouble', code: 'rate_limited' }, at, at);
    expect(troubled.kind === 'kept' && judgeCheck(troubled.record, refused, at, at).kind).toBe('refused');
  });

  test('that tells nothing new leaves the record as it is', () => {
    const record = recordOf();
    for (const outcome of [{ kind: 'authorized', account: null }, { kind: 'passwordWanted' }] as const) {
      const verdict = judgeCheck(record, outcome, at, at);
      expect(verdict.kind === 'kept' && verdict.record).toBe(record);
    }
  });

  test('that began before the login says nothing of it', () => {
    expect(judgeCheck(recordOf(), { kind: 'notAuthorized' }, LOGIN_AT - 1_000, LOGIN_AT)).toEqual({ kind: 'kept', record: recordOf() });
  });
});

describe('the record', () => {
  test('is the one of the later login, in whatever order logins are told', () => {
    const first = recordOf();
    const second = recordOf({ sessionId: 'ses_def', loginAt: LOGIN_AT + 60_000 });
    expect(withLogin(null, first)).toBe(first);
    expect(withLogin(first, second)).toBe(second);
    expect(withLogin(second, first)).toBe(second);
    const atOnce = recordOf({ sessionId: 'ses_def' });
    expect(withLogin(first, atOnce)).toBe(atOnce);
  });

  test('of one login that is told more than once has the earliest moment, and stays as it is after a loss', () => {
    const [earlier, first, later] = [recordOf({ loginAt: LOGIN_AT - 9_000 }), recordOf(), recordOf({ loginAt: LOGIN_AT + 9_000 })];
    expect(withLogin(first, earlier)).toEqual(earlier);
    expect(withLogin(first, recordOf())).toBe(first);
    expect(withLogin(first, later)).toBe(first);
    const lost = recordOf({ end: 'lost' });
    for (const again of [earlier, first, later]) expect(withLogin(lost, again)).toBe(lost);
  });

  test('is read back as it was written', () => {
    for (const end of [null, 'lost', 'logged_out'] as const) {
      const record = recordOf({ end, ownLogoutAt: end === null ? null : NOW });
      expect(connectedInstanceSchema.parse(JSON.parse(JSON.stringify(record)))).toEqual(record);
    }
  });

  test('has one callback id for each login, is reported within its day, and contains nothing internal', () => {
    const [a, b] = [LOGIN_AT + DAY_MS, LOGIN_AT + 2 * DAY_MS].map((now) =>
      disconnectedCallback(recordOf(), { state: 'blocked', at: LOGIN_AT + 5_000, by: 'notification' }, now),
    );
    expect(a?.id).toBe(b?.id);
    expect(a?.id).toMatch(/^evt_[A-Za-z0-9_-]+$/);
    expect(a?.createdAt).toBe(LOGIN_AT + DAY_MS);
    const { data, timestamp } = instanceCallbackBodySchema.parse(JSON.parse(a?.payload ?? ''));
    expect(timestamp).toBe(new Date(LOGIN_AT + 5_000).toISOString());
    expect(data.instance).toMatchObject({ instanceId: '1101000001', reference: 'order-77', providerState: 'blocked' });
    expect(a?.payload).not.toContain('key-of-it');
  });

  test.each(['notification', 'check'] as const)('is told with who found the loss: a %s', (by) => {
    const callback = disconnectedCallback(recordOf(), { state: 'notAuthorized', at: NOW, by }, NOW);
    expect(callbackSchema.parse(callback)).toEqual(callback);
    expect(instanceCallbackBodySchema.parse(JSON.parse(callback.payload)).data.instance.foundBy).toBe(by);
  });

  test.each([
    [LOGIN_AT - 400, LOGIN_AT],
    [LOGIN_AT + 2 * DAY_MS, LOGIN_AT + DAY_MS],
  ])('a time outside of login and now (%s) is reported as %s', (at, told) => {
    const { payload } = disconnectedCallback(recordOf(), { state: 'notAuthorized', at, by: 'notification' }, LOGIN_AT + DAY_MS);
    expect(JSON.parse(payload).data.instance.disconnectedAt).toBe(told);
  });
});

describe('after any history of logins, notifications and checks', () => {
  interface World {
    readonly record: ConnectedInstance | null;
    readonly lost: readonly string[];
  }
  type Event =
    | { kind: 'login'; n: number }
    | { kind: 'said'; state: string; at: number }
    | { kind: 'checked'; outcome: Outcome }
    | { kind: 'logout' };
  const offset = fc.integer({ min: -100_000, max: 1_000_000 });
  const event: fc.Arbitrary<Event> = fc.oneof(
    fc.record({ kind: fc.constant('login' as const), n: fc.nat(5) }),
    fc.record({
      kind: fc.constant('said' as const),
      state: fc.constantFrom('notAuthorized', 'blocked', 'authorized', 'starting', 'suspended'),
      at: offset.map((ms) => Math.floor((LOGIN_AT + ms) / 1_000) * 1_000),
    }),
    fc.record({
      kind: fc.constant('checked' as const),
      outcome: fc.constantFrom<Outcome>(
        { kind: 'notAuthorized' },
        { kind: 'authorized', account: null },
        { kind: 'refused', reason: 'credentials_rejected' },
        { kind: 'trouble', code: 'instance_starting' },
      ),
    }),
    fc.constant({ kind: 'logout' as const }),
  );

  function step({ record, lost }: World, one: Event, now: number): World {
    if (one.kind === 'login') {
      const next = connectedInstance({ ...login, sessionId: `ses_${one.n}`, loginAt: LOGIN_AT + one.n * 60_000 }, 30, now);
      return { record: next === null ? record : withLogin(record, next), lost };
    }
    if (record === null) return { record, lost };
    if (one.kind === 'logout') return { record: record.end === null ? { ...record, ownLogoutAt: now } : record, lost };
    const verdict =
      one.kind === 'said'
        ? judgeLoss(record, notified(one.state, one.at), now)
        : record.end === null
          ? judgeCheck(record, one.outcome, now, now).kind
          : 'nothing';
    if (verdict === 'logged_out') return { record: { ...record, end: 'logged_out' }, lost };
    if (verdict !== 'lost') return { record, lost };
    return { record: { ...record, end: 'lost' }, lost: [...lost, record.sessionId] };
  }

  test('a loss is reported once for a login, only for the latest one, and only if it is not older than the login', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        let world: World = { record: null, lost: [] };
        let newest = -1;
        for (const [i, one] of events.entries()) {
          const before = world;
          world = step(world, one, LOGIN_AT + 400_000 + i * 1_000);
          if (one.kind === 'login') newest = Math.max(newest, one.n);
          if (world.lost.length === before.lost.length) continue;
          expect(world.lost.at(-1)).toBe(`ses_${newest}`);
          if (one.kind === 'said') expect(one.at).toBeGreaterThanOrEqual(Math.floor((before.record?.loginAt ?? 0) / 1_000) * 1_000);
        }
        expect(new Set(world.lost).size).toBe(world.lost.length);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the times of checks', () => {
  const EVERY_MS = 3_600_000;
  const names = Array.from({ length: 10_000 }, (_, i) => ({ tenantId: `t${i % 7}`, instanceId: String(1_101_000_000 + i) }));

  test('are one in every interval, and the same from wherever you begin to count', () => {
    fc.assert(
      fc.property(fc.nat(9_999), fc.integer({ min: 60_000, max: 604_800_000 }), fc.nat(10 ** 12), (n, every, after) => {
        const name = names[n] ?? { tenantId: '', instanceId: '' };
        const at = nextCheckAt(name, every, after);
        expect(at).toBeGreaterThan(after);
        expect(at).toBeLessThanOrEqual(after + every);
        expect(nextCheckAt(name, every, at)).toBe(at + every);
        expect(nextCheckAt(name, every, at - 1)).toBe(at);
      }),
    );
  });

  test('of many instances are spread evenly', () => {
    const minutes = new Array<number>(60).fill(0);
    for (const name of names) {
      const minute = Math.floor((nextCheckAt(name, EVERY_MS, 1_789_999_200_000 - 1) - 1_789_999_200_000) / 60_000);
      minutes[minute] = (minutes[minute] ?? 0) + 1;
    }
    // 167 on average, with a deviation of 13.
    expect(Math.max(...minutes)).toBeLessThan(167 + 5 * 13);
    expect(Math.min(...minutes)).toBeGreaterThan(167 - 5 * 13);
  });
});
