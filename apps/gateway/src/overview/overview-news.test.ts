import type { Overview, OverviewSession, Reading } from '@qrcast/core/overview';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createNewsTeller, SEND_WITHIN_MS } from './overview-news.ts';

// Only the id matters here.
const session = (id: string): OverviewSession => ({ id }) as OverviewSession;
const reading = (at: number, ...sessions: OverviewSession[]): Reading => ({
  at,
  sessions: new Map(sessions.map((one) => [one.id, one])),
  isCut: false,
});
const [a, b, c] = [session('a'), session('b'), session('c')];

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function listen() {
  const told: Overview[] = [];
  const sent: (() => void)[] = [];
  const [fault, onSlow] = [vi.fn(), vi.fn()];
  const teller = createNewsTeller({
    send(news, done) {
      told.push(news);
      sent.push(done);
    },
    fault,
    onSlow,
  });
  const took = (): void => sent.shift()?.();
  const names = () => told.map(({ at, sessions, gone }) => [at, sessions.map(({ id }) => id).join(' '), gone.join(' ')]);
  return { teller, told, took, names, fault, onSlow };
}

it('tells all at first, then what changed, and nothing if nothing did', () => {
  const { teller, took, names } = listen();
  for (const one of [reading(1, a), reading(2, a), reading(3, b, a)]) {
    teller.onReading(one);
    took();
  }
  expect(names()).toEqual([
    [1, 'a', ''],
    [3, 'b', ''],
  ]);
});

it('skips to the newest for a slow reader, with one message under way', () => {
  const { teller, took, names } = listen();
  teller.onReading(reading(1, a));
  teller.onReading(reading(2, b, a));
  teller.onReading(reading(3, c, b));
  expect(names()).toEqual([[1, 'a', '']]);
  took();
  expect(names()).toEqual([
    [1, 'a', ''],
    [3, 'c b', 'a'],
  ]);
});

it('gives a reader up that takes nothing, and not one that does', () => {
  const { teller, took, onSlow } = listen();
  teller.onReading(reading(1, a));
  took();
  vi.advanceTimersByTime(SEND_WITHIN_MS);
  expect(onSlow).not.toHaveBeenCalled();
  teller.onReading(reading(2, b));
  vi.advanceTimersByTime(SEND_WITHIN_MS);
  expect(onSlow).toHaveBeenCalledOnce();
});

it('tells of a fault, but not behind a message that was not taken', () => {
  const { teller, took, fault } = listen();
  teller.onFault();
  expect(fault).toHaveBeenCalledOnce();
  teller.onReading(reading(1, a));
  teller.onFault();
  expect(fault).toHaveBeenCalledOnce();
  took();
  teller.onFault();
  expect(fault).toHaveBeenCalledTimes(2);
});

it('tells nothing after its end', () => {
  const { teller, took, names, onSlow, fault } = listen();
  teller.onReading(reading(1, a));
  teller.onReading(reading(2, b));
  teller.close();
  took();
  teller.onReading(reading(3, c));
  teller.onFault();
  vi.advanceTimersByTime(SEND_WITHIN_MS);
  expect([names().length, onSlow.mock.calls.length, fault.mock.calls.length]).toEqual([1, 0, 0]);
});
