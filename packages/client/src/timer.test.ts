import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { showing } from '../test/session.ts';
import { createServerClock } from './clock.ts';
import { createShownSession } from './shown-session.ts';
import { pause, startTimer } from './timer.ts';

const warnings: string[] = [];
const note = ({ name }: Error): void => void warnings.push(name);
beforeEach(() => {
  warnings.length = 0;
  process.on('warning', note);
});
afterEach(() => {
  process.off('warning', note);
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('a timer', () => {
  it.each([
    [-1, 0],
    [Number.NaN, 0],
    [Number.NEGATIVE_INFINITY, 0],
    [2.5, 2.5],
    [2 ** 31, 2 ** 31 - 1],
    [Number.POSITIVE_INFINITY, 2 ** 31 - 1],
  ])('of %d ms gets a delay that every engine supports, without a warning', async (ms, taken) => {
    const timers = vi.spyOn(globalThis, 'setTimeout');
    clearTimeout(startTimer(() => undefined, ms));
    expect(timers.mock.calls.map(([, delay]) => delay)).toEqual([taken]);
    await new Promise(setImmediate);
    expect(warnings).toEqual([]);
  });

  it('is started nowhere else in the client', () => {
    const files = globSync('**/*.ts', { cwd: import.meta.dirname }).filter((file) => !/test/.test(file) && file !== 'timer.ts');
    expect(files.length).toBeGreaterThan(20);
    for (const file of files) {
      expect(readFileSync(join(import.meta.dirname, file), 'utf8'), file).not.toMatch(/(?<!typeof )\bsetTimeout\b(?! takes)/);
    }
  });

  it('for a code that is valid for a year does not fire all the time', () => {
    vi.useFakeTimers();
    const clock = createServerClock({ monotonic: () => performance.now(), wall: () => Date.now() });
    const shown = createShownSession({ clock, onChange: () => undefined });
    const timers = vi.spyOn(globalThis, 'setTimeout');
    shown.tell(showing(1, 365 * 86_400_000));
    vi.advanceTimersByTime(3_600_000);
    expect(timers).toHaveBeenCalledTimes(1);
    shown.close();
  });
});

it('a pause ends at once when it is aborted, before or during it', async () => {
  vi.useFakeTimers();
  const controller = new AbortController();
  const paused = pause(60_000, controller.signal);
  controller.abort();
  await paused;
  await pause(60_000, controller.signal);
  expect(vi.getTimerCount()).toBe(0);
});
