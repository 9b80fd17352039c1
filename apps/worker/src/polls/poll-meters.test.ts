import type { Outcome } from '@qrcast/core/outcome';
import { createMeters, type Meters } from '@qrcast/runtime/metrics/meters';
import { expect, it, vi } from 'vitest';
import { createPollMeters } from './poll-meters.ts';

const HOST = 'https://1101.api.green-api.com';
const TYPO = 'https://9999.api.green-api.com';
const WELL: Outcome = { kind: 'notAuthorized' };
const NOBODY: Outcome = { kind: 'trouble', code: 'provider_unreachable', isUnanswered: true };
const BUSY: Outcome = { kind: 'trouble', code: 'rate_limited', retryAfterMs: 30_000 };

const CONCURRENCY = 7;
const heard = { countAnswer: vi.fn(), hostSpeeds: { note: vi.fn() } };
const open = (meters: Meters) => createPollMeters({ meters, concurrency: CONCURRENCY, ...heard });

const polls = (meters: Meters): unknown[] =>
  [...(meters.histograms.get('qrcast_poll_seconds')?.series.values() ?? [])].map(({ labels, at }) => ({
    ...labels,
    count: at.counts.reduce((sum, one) => sum + one, 0),
  }));

it('counts each answer by its outcome and host, and a Retry-After', async () => {
  const meters = createMeters();
  const { measure } = open(meters);
  for (const outcome of [WELL, WELL, BUSY]) expect(await measure(HOST, 'qr', async () => outcome)).toBe(outcome);
  expect(polls(meters)).toEqual([
    { host: '1101.api.green-api.com', outcome: 'notAuthorized', count: 2 },
    { host: '1101.api.green-api.com', outcome: 'rate_limited', count: 1 },
  ]);
  expect(meters.histogram('qrcast_provider_retry_after_seconds', {}).sum).toBe(30);
});

it('gives a host a label of its own only once it has answered: anybody can name one that does not exist', async () => {
  const meters = createMeters();
  const { measure } = open(meters);
  for (const outcome of [NOBODY, NOBODY]) await measure(TYPO, 'qr', async () => outcome);
  for (const outcome of [NOBODY, WELL, NOBODY]) await measure(HOST, 'qr', async () => outcome);
  expect(polls(meters)).toEqual([
    { host: 'other', outcome: 'provider_unreachable', count: 3 },
    { host: '1101.api.green-api.com', outcome: 'notAuthorized', count: 1 },
    { host: '1101.api.green-api.com', outcome: 'provider_unreachable', count: 1 },
  ]);
});

it('knows what is under way, also when a request fails', async () => {
  const meters = createMeters();
  const { measure } = open(meters);
  const underWay = meters.level('qrcast_polls_inflight', { host: 'other' });
  const failed = measure(HOST, 'qr', () => Promise.reject(new Error('aborted')));
  expect(underWay.value).toBe(1);
  await expect(failed).rejects.toThrow('aborted');
  expect(underWay.value).toBe(0);
});

it('knows how many may be under way, before the first is', () => {
  const meters = createMeters();
  open(meters);
  expect([...(meters.readings.get('qrcast_polls_limit') ?? [])].map((read) => read())).toEqual([CONCURRENCY]);
});

it('begins the answers at 0, so that Prometheus sees the first of a kind as growth', async () => {
  const meters = createMeters();
  const { measure } = open(meters);
  const answers = meters.counters.get('qrcast_provider_answers_total')?.series;
  const before = answers?.size;
  await measure(HOST, 'logout', async () => WELL);
  expect(before).toBeGreaterThan(0);
  expect(answers?.size).toBe(before);
});

it('tells the weather by the label of the host, and the speed of the host by its name', async () => {
  const { measure } = open(createMeters());
  for (const outcome of [NOBODY, WELL]) await measure(HOST, 'qr', async () => outcome);
  const host = '1101.api.green-api.com';
  const took = expect.any(Number);
  expect(heard.countAnswer.mock.calls.slice(-2)).toEqual([
    ['other', 'provider_unreachable', took],
    [host, 'notAuthorized', took],
  ]);
  expect(heard.hostSpeeds.note.mock.calls.slice(-2)).toEqual([
    [host, 'provider_unreachable', took],
    [host, 'notAuthorized', took],
  ]);
});
