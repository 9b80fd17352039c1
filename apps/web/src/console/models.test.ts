import type { OverviewSession } from '@qrcast/core/overview';
import { statisticsOf } from '@qrcast/core/statistics';
import { weatherOf } from '@qrcast/core/weather';
import { expect, it } from 'vitest';
import { auditPath } from './audit-view.ts';
import { partsOf } from './format.ts';
import { choose, learn, NO_FILTER, NOTHING_KNOWN, tenantsIn } from './overview-model.ts';
import { createEventParser } from './parse-events.ts';
import { hashOf, parseRoute } from './routes.ts';
import { loginFigures } from './statistics-model.ts';
import { timeLineOf } from './timeline-model.ts';
import { hostFigures } from './weather-model.ts';

const NOW = 1_790_000_000_000;

function session(id: string, part: Partial<OverviewSession> = {}): OverviewSession {
  return {
    ...{ id, tenantId: 'acme', instanceId: '1101', reference: null, version: 1, state: 'showing', notice: null, end: null, viewers: 0 },
    ...{ createdAt: NOW, startedAt: NOW, deadlineAt: NOW, expiresAt: NOW },
    ...part,
  };
}
const overview = (sessions: readonly OverviewSession[], part = {}) => ({
  at: NOW,
  isFirst: true,
  sessions: [...sessions],
  gone: [],
  isCut: false,
  ...part,
});

it('leads to what the key may see', () => {
  expect(parseRoute('#/tenants', 'operator')).toEqual({ view: 'tenants' });
  expect(parseRoute('#/tenants', 'tenant')).toEqual({ view: 'sessions' });
  expect(parseRoute('#/../x', 'operator')).toEqual({ view: 'sessions' });
  const route = { view: 'session', id: 'ses_a-b_c' } as const;
  expect(parseRoute(hashOf(route), 'tenant')).toEqual(route);
});

it('reads events in any parts, and no comments', () => {
  const parse = createEventParser();
  expect(parse('retry: 1\n\n:\n\nevent: sess')).toEqual([]);
  expect(parse('ions\ndata: {"a":\ndata: 1}\n\ndata: x\n')).toEqual([{ event: 'sessions', data: '{"a":\n1}' }]);
  expect(parse('\n')).toEqual([{ event: 'message', data: 'x' }]);
});

it('learns what changed, and forgets what is gone', () => {
  const first = learn(NOTHING_KNOWN, overview([session('ses_a'), session('ses_b')]), NOW - 5_000);
  expect(first.aheadMs).toBe(5_000);
  const later = learn(first, overview([session('ses_a', { viewers: 3 })], { isFirst: false, gone: ['ses_b'], isCut: true }), NOW);
  expect([...later.sessions.values()]).toEqual([session('ses_a', { viewers: 3 })]);
  expect(later.isCut).toBe(true);
  expect([...learn(later, overview([session('ses_c')]), NOW).sessions.keys()]).toEqual(['ses_c']);
});

it('shows the newest first, those that ended last, and only what fits', () => {
  const known = learn(
    NOTHING_KNOWN,
    overview([
      session('ses_old', { createdAt: NOW - 9 }),
      session('ses_over', { state: 'ended', createdAt: NOW + 9 }),
      session('ses_new', { tenantId: 'beta', reference: 'Order 17', state: 'password' }),
    ]),
    NOW,
  );
  const ids = (part = {}): readonly string[] => choose(known, { ...NO_FILTER, ...part }).map(({ id }) => id);
  expect(ids()).toEqual(['ses_new', 'ses_old', 'ses_over']);
  expect(ids({ text: ' order ' })).toEqual(['ses_new']);
  expect(ids({ state: 'live' })).toEqual(['ses_new', 'ses_old']);
  expect(ids({ state: 'ended' })).toEqual(['ses_over']);
  expect(ids({ tenantId: 'beta' })).toEqual(['ses_new']);
  expect(tenantsIn(known)).toEqual(['acme', 'beta']);
});

it('works out the funnel, the slots and the first codes', () => {
  const hour = (i: number, fields: Record<string, string>) => ({ startsAt: i * 3_600_000, fields });
  const busy = {
    watched: '8',
    code_shown: '6',
    scanned: '4',
    connected: '4',
    'end:deadline': '2',
    'end:unwatched': '3',
    'first:1': '3',
    'first:11': '3',
  };
  const figures = loginFigures(statisticsOf([hour(0, {}), hour(1, busy)]));
  expect(figures.funnel.map(({ step, count, share }) => [step, count, share])).toEqual([
    ['watched', 8, 1],
    ['code_shown', 6, 0.75],
    ['scanned', 4, 0.5],
    ['password', 0, 0],
    ['connected', 4, 0.5],
  ]);
  expect(figures.withinSecond).toBe(0.5);
  expect(figures.firstCode.at(-1)).toEqual({ bound: null, count: 3 });
  expect(figures.ends).toEqual([
    { reason: 'unwatched', count: 3 },
    { reason: 'deadline', count: 2 },
  ]);
  expect(figures.slots).toHaveLength(2);
  expect(loginFigures(statisticsOf(Array.from({ length: 168 }, (_, i) => hour(i, busy)))).slots).toHaveLength(28);
  expect(loginFigures(statisticsOf([hour(0, {})])).withinSecond).toBeNull();
});

it('works out the minutes of a host', () => {
  const startsAt = NOW - (NOW % 60_000);
  const weather = weatherOf([{ startsAt, fields: { 'h code': '9', 'h provider_timeout': '1', 'h 3': '6', 'h 8': '3' } }]);
  const [host] = hostFigures(weather, NOW, 60);
  expect(host).toMatchObject({ requests: 10, failedShare: 0.1, usualSeconds: 0.1 });
  expect(host?.minutes).toHaveLength(60);
  expect(host?.minutes.at(-1)).toEqual({ startsAt, requests: 10, slow: 3, failed: 1 });
});

it('draws a timeline from its first to its last entry', () => {
  const change = {
    kind: 'change',
    version: 1,
    answer: null,
    tookMs: null,
    notice: null,
    endReason: null,
    isUnwatched: false,
    codes: 0,
    repeats: 0,
  } as const;
  const line = timeLineOf({
    entries: [
      { ...change, at: NOW, cause: 'created', state: 'idle' },
      { ...change, at: NOW + 50, cause: 'answered', tookMs: 5, state: 'showing' },
      { kind: 'delivery', at: NOW + 100, sinceMs: 50, gateway: 'g', viewers: 1, messages: 1, slowestMs: null },
    ],
  });
  expect(line.stretches).toEqual([
    { from: 0, to: 0.5, tone: 'idle' },
    { from: 0.5, to: 1, tone: 'showing' },
  ]);
  expect([line.answers, line.lastState, line.spanMs]).toEqual([[0.5], 'showing', 100]);
  expect(timeLineOf({ entries: [] }).stretches).toEqual([]);
});

it('tells spans in one or two units', () => {
  const told = (seconds: number): string => partsOf(seconds * 1_000).map(([unit, value]) => `${value} ${unit}`).join(' '); // biome-ignore format: short
  expect([-5, 59, 61, 601, 3_660, 90_000, 172_800].map(told)).toEqual([
    '0 second',
    '59 second',
    '1 minute 1 second',
    '10 minute',
    '1 hour 1 minute',
    '1 day 1 hour',
    '2 day',
  ]);
});

it('asks the audit log only for what was entered', () => {
  const filter = { action: '', sessionId: ' ses_a ', tenantId: 'acme', cursor: '' };
  expect(auditPath(false, filter)).toBe('/v1/audit?sessionId=ses_a&limit=50');
  expect(auditPath(true, filter)).toBe('/v1/admin/audit?sessionId=ses_a&tenantId=acme&limit=50');
});
