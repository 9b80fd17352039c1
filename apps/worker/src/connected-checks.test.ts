/**
 * How many checks are under way at once, and of which tenants. The provider answers when the test
 * says so.
 */

import { connectedInstance } from '@qrcast/core/connected-instance';
import type { Outcome } from '@qrcast/core/outcome';
import { createSession, type Session } from '@qrcast/core/session';
import type { ConnectedSettings } from '@qrcast/runtime/connected/connected-settings';
import { createLog } from '@qrcast/runtime/log';
import { beforeEach, describe, expect, it } from 'vitest';
import { type ConnectedChecks, type ConnectedChecksDeps, createConnectedChecks } from './connected-checks.ts';

const NOW = 1_790_000_000_000;
const LINKED: Outcome = { kind: 'authorized', account: null };
const SETTINGS: ConnectedSettings = { keepDays: 30, checkEveryMinutes: 60, isPaused: false, upstreamHosts: null };

let settings: ConnectedSettings | null;
/** Due instances of each tenant. */
let due: Map<string, string[]>;
let settled: [instanceId: string, notBefore: number | null][];
let dropped: string[];
let cut: [tenantId: string, keepDays: number][];
let checked: Outcome[];
let asked: { instanceId: string; answer: (outcome: Outcome) => void }[];
let live: Session | null;
let busyUntil: number | null;
let ended: [startedAt: number, notBefore: number][];

beforeEach(() => {
  settings = SETTINGS;
  due = new Map();
  [settled, dropped, cut, checked, asked, ended] = [[], [], [], [], [], []];
  live = null;
  busyUntil = null;
});

function createChecks(fields: Partial<ConnectedChecksDeps> = {}): ConnectedChecks {
  const recordOf = (tenantId: string, instanceId: string) =>
    connectedInstance(
      { tenantId, instanceId, sessionId: 'ses_1', reference: null, instanceKey: `key-${instanceId}`, loginAt: NOW - 1_000 },
      30,
      NOW,
    );
  return createConnectedChecks({
    redis: { get: async () => 'ses_1' } as unknown as ConnectedChecksDeps['redis'], // the one command that is used
    namespace: 'test',
    settingsOf: async () => settings,
    connected: {
      find: async (tenantId: string, instanceId: string) => recordOf(tenantId, instanceId),
      credentials: async () => ({ apiUrl: 'https://1101.api.green-api.com', apiToken: 'token-of-it' }),
      async checked(_record: unknown, outcome: Outcome) {
        checked.push(outcome);
        return 'kept';
      },
      dropCredentials: async (tenantId: string) => void dropped.push(`credentials ${tenantId}`),
      cutPeriods: async (tenantId: string, keepDays: number) => void cut.push([tenantId, keepDays]),
      forgetTenant: async (tenantId: string) => void dropped.push(`tenant ${tenantId}`),
      forget: async (_tenantId: string, instanceId: string, why: string) => void dropped.push(`${instanceId} ${why}`),
    } as unknown as ConnectedChecksDeps['connected'], // what a check uses
    checkQueue: {
      plan: async () => undefined,
      claim: async (tenantId, limit) => (due.get(tenantId) ?? []).splice(0, limit).map((instanceId) => ({ instanceId, leaseUntil: 1 })),
      settle: async (_tenantId, { instanceId }, next) => void settled.push([instanceId, next?.notBefore ?? null]),
      nextIn: async (tenantId) => ((due.get(tenantId)?.length ?? 0) > 0 ? 0 : 3_600_000),
    },
    holds: {
      async take() {
        if (busyUntil !== null) return { kind: 'busy', freeInMs: busyUntil - NOW, isHeldOff: false };
        return { kind: 'held', startedAt: NOW, release: async (retryAfterMs = 0) => void ended.push([NOW, NOW + retryAfterMs]) };
      },
    },
    sessions: { find: async () => live },
    provider: {
      poll: ({ instanceId }, method) =>
        new Promise((resolve) => {
          expect(method).toBe('state');
          asked.push({ instanceId, answer: resolve });
        }),
    },
    hostSlots: { run: (_host, _tenantId, request) => request() },
    upstreamHosts: ['*.api.green-api.com'],
    clock: { now: () => NOW },
    log: createLog('test', 'silent'),
    ...fields,
  });
}

const instancesOf = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const settle = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

describe('checks under way', () => {
  it('are few, however many are due, and leave slots to other tenants', async () => {
    const check = createChecks();
    for (const tenant of 'abcdefgh') due.set(tenant, instancesOf(tenant, 1_000));
    const calls = [...'abcdefgh'].map((tenant) => check(tenant));
    await settle();
    const counts = [...'abcdefgh'].map((tenant) => asked.filter(({ instanceId }) => instanceId.startsWith(tenant)).length);
    expect(asked.length).toBeLessThanOrEqual(20);
    expect(counts.slice(0, 4)).toEqual([10, 5, 3, 1]); // each takes half of what is free
    expect(await calls[7]).toBe(1_000); // no free slot now
    for (const { answer } of asked) answer(LINKED);
    expect(await calls[0]).toBe(0); // more is due
    const [later] = [check('h')];
    await settle();
    expect(asked.filter(({ instanceId }) => instanceId.startsWith('h'))).not.toEqual([]);
    for (const { answer } of asked) answer(LINKED);
    await later;
  });

  it('give their slots back whatever the result', async () => {
    const check = createChecks({ provider: { poll: () => Promise.reject(new Error('closed')) } });
    due.set('a', instancesOf('a', 100));
    for (let i = 0; i < 10; i++) expect(await check('a')).toBe(i < 9 ? 0 : 600_000);
    expect(ended).toHaveLength(100);
    expect(settled).toEqual([]); // they come again when their lease ends
  });
});

describe('nothing is asked', () => {
  it.each([
    ['of a tenant that is gone', null, null, ['tenant a']],
    ['of one that has switched it off', { ...SETTINGS, checkEveryMinutes: null }, null, ['credentials a']],
    ['of one that keeps nothing', { ...SETTINGS, keepDays: 0 }, null, ['credentials a']],
    ['of one that is suspended', { ...SETTINGS, isPaused: true }, 60_000, []],
  ])('%s', async (_how, given, again, gone) => {
    settings = given;
    due.set('a', ['a0']);
    expect(await createChecks()('a')).toBe(again);
    expect(asked).toEqual([]);
    expect(dropped).toEqual(gone);
  });

  it.each([
    ['idle', {}, false],
    ['waiting', {}, false],
    ['waiting', { deadlineAt: NOW }, true], // its time is over, but nothing has noticed yet
    ['idle', { expiresAt: NOW }, true],
    ['connected', {}, true],
    ['ended', {}, true],
  ] as const)('while a session is live: %s %o', async (kind, fields, isAsked) => {
    const state = (
      kind === 'connected'
        ? { kind, account: { wid: null, phone: null } }
        : kind === 'ended'
          ? { kind, reason: 'deadline' }
          : { kind, notice: null }
    ) as Session['state'];
    const base = {
      id: 'ses_1',
      tenantId: 'a',
      instanceId: 'a0',
      instanceKey: 'k',
      reference: null,
      expectedPhone: null,
      logoutOnMismatch: false,
    };
    const session = createSession({ ...base, locale: null, returnUrl: null, relink: false, expiresAt: NOW + 60_000 }, 60_000, NOW);
    live = { ...session, state, ...fields };
    due.set('a', ['a0']);
    const call = createChecks()('a');
    await settle();
    expect(asked).toHaveLength(isAsked ? 1 : 0);
    for (const { answer } of asked) answer(LINKED);
    await call;
    expect(settled).toEqual([['a0', 0]]);
  });

  it('while the instance is busy or has a Retry-After, and its check waits until after that', async () => {
    busyUntil = NOW + 600_000;
    due.set('a', ['a0']);
    await createChecks()('a');
    expect(asked).toEqual([]);
    expect(settled).toEqual([['a0', NOW + 600_000]]);
  });

  it('from a host that the operator took off the list', async () => {
    due.set('a', ['a0']);
    await createChecks({ upstreamHosts: ['other.example.com'] })('a');
    expect(asked).toEqual([]);
    expect(checked).toEqual([{ kind: 'trouble', code: 'provider_refused' }]);
  });

  it("from a host that was taken off the tenant's own list", async () => {
    settings = { ...SETTINGS, upstreamHosts: ['1102.api.green-api.com'] };
    due.set('a', ['a0']);
    await createChecks()('a');
    expect(asked).toEqual([]);
    expect(checked).toEqual([{ kind: 'trouble', code: 'provider_refused' }]);
  });
});

it('a Retry-After holds for the instance and for its next check', async () => {
  due.set('a', ['a0']);
  const call = createChecks()('a');
  await settle();
  asked[0]?.answer({ kind: 'trouble', code: 'rate_limited', retryAfterMs: 7_200_000 });
  await call;
  expect(ended).toEqual([[NOW, NOW + 7_200_000]]);
  expect(settled).toEqual([['a0', NOW + 7_200_000]]);
});

it('a period that is over by the current setting ends the record', async () => {
  settings = { ...SETTINGS, keepDays: 1 };
  due.set('a', ['a0']);
  await createChecks({ clock: { now: () => NOW + 86_400_000 } })('a');
  expect([asked, dropped]).toEqual([[], ['a0 period_over']]);
});

it.each([false, true])('a shorter period applies to tokens at once (paused: %s)', async (isPaused) => {
  settings = { ...SETTINGS, keepDays: 1, isPaused };
  await createChecks()('a');
  expect(cut).toEqual([['a', 1]]);
});
