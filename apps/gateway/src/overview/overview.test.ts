import type { Reading } from '@qrcast/core/overview';
import { createLog } from '@qrcast/runtime/log';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openOverview, READ_EVERY_MS } from './overview.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** An overview over a Redis that holds nothing. `asked` has the scope of each reading. */
function open() {
  const asked: (string | null)[] = [];
  let isBroken = false;
  const overview = openOverview({
    async fairSessions(tenantId) {
      asked.push(tenantId);
      if (isBroken) throw new Error('Redis does not answer');
      return { places: [], isWhole: true };
    },
    readSessions: { find: async () => [], show: async () => [] },
    clock: { now: () => 1_790_000_000_000 + asked.length },
    log: createLog('test', 'silent'),
  });
  return {
    overview,
    asked,
    breakRedis(is: boolean): void {
      isBroken = is;
    },
  };
}

function reader() {
  const readings: Reading[] = [];
  const onFault = vi.fn();
  return { readings, onReading: (reading: Reading): void => void readings.push(reading), onFault };
}

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

it('reads nothing while nobody is there, and nothing more when all have gone', async () => {
  const { overview, asked } = open();
  await pass(10 * READ_EVERY_MS);
  expect(asked).toEqual([]);
  const leave = overview.read('acme', reader());
  await pass(READ_EVERY_MS);
  leave();
  leave();
  await pass(10 * READ_EVERY_MS);
  expect(asked).toEqual(['acme', 'acme']);
});

it('reads once for all readers of a scope, and tells a new one the last reading at once', async () => {
  const { overview, asked } = open();
  const [one, two, other] = [reader(), reader(), reader()];
  overview.read('acme', one);
  await pass(0);
  const leave = overview.read('acme', two);
  expect([one.readings.length, two.readings.length, asked]).toEqual([1, 1, ['acme']]);
  overview.read(null, other);
  await pass(READ_EVERY_MS);
  expect([one.readings.length, two.readings.length, other.readings.length]).toEqual([2, 2, 2]);
  expect(asked).toEqual(['acme', null, 'acme', null]);
  leave();
  await pass(READ_EVERY_MS);
  expect([one.readings.length, two.readings.length]).toEqual([3, 2]);
  overview.close();
});

it('keeps the last reading for whoever comes back before the next one is due', async () => {
  const { overview, asked } = open();
  const first = reader();
  overview.read('acme', first)();
  for (let i = 0; i < 50; i++) {
    const late = reader();
    const leave = overview.read('acme', late);
    await pass(READ_EVERY_MS / 10);
    expect(late.readings.length).toBeGreaterThan(0);
    leave();
    leave();
  }
  expect(asked.length).toBe(6); // as of one reader who has stayed
  overview.close();
});

it('begins anew for whoever comes after that', async () => {
  const { overview, asked } = open();
  overview.read('acme', reader())();
  await pass(2 * READ_EVERY_MS);
  expect(asked.length).toBe(1);
  const late = reader();
  overview.read('acme', late);
  expect(late.readings).toEqual([]);
  await pass(0);
  expect([late.readings.length, asked.length]).toEqual([1, 2]);
  overview.close();
});

it('keeps its readers while Redis is broken, tells them, and goes on afterwards', async () => {
  const { overview, breakRedis } = open();
  const one = reader();
  overview.read('acme', one);
  await pass(0);
  breakRedis(true);
  await pass(2 * READ_EVERY_MS);
  expect([one.readings.length, one.onFault.mock.calls.length]).toEqual([1, 2]);
  const late = reader();
  overview.read('acme', late);
  expect(late.readings).toEqual(one.readings);
  breakRedis(false);
  await pass(READ_EVERY_MS);
  expect([one.readings.length, late.readings.length]).toEqual([2, 2]);
  overview.close();
});

it('reads nothing after its end', async () => {
  const { overview, asked } = open();
  overview.read(null, reader());
  overview.close();
  await pass(10 * READ_EVERY_MS);
  expect(asked).toEqual([null]);
});
