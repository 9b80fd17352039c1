import { createLog } from '@qrcast/runtime/log';
import { describe, expect, it, vi } from 'vitest';
import { createConnectRate, spareTimeMs } from './connect-rate.ts';

/** @param spare the share of the time that the process has to spare */
function openRate(perSecond: number, { random, spare = 1 }: { readonly random?: () => number; readonly spare?: number } = {}) {
  let now = 1_000;
  const lines: string[] = [];
  const log = createLog('test', 'info', { write: (line) => void lines.push(line) });
  const rate = createConnectRate({
    perSecond,
    log,
    now: () => now,
    spareTimeMs: () => now * spare,
    ...(random === undefined ? {} : { random }),
  });
  return {
    rate,
    lines,
    pass: (ms: number) => {
      now += ms;
    },
    admitted: (of: number) => Array.from({ length: of }, () => rate.refuse()).filter((refusal) => refusal === null).length,
  };
}

describe('spare time', () => {
  it('runs at less than half the speed of the clock while the process works', () => {
    const [startedAt, spareBefore] = [performance.now(), spareTimeMs()];
    while (performance.now() - startedAt < 100);
    const workedMs = performance.now() - startedAt;
    expect(spareTimeMs() - spareBefore).toBeLessThan(workedMs / 2);
  });

  it('is what the event loop has waited, and a tenth of what it has worked', () => {
    const measured = vi.spyOn(performance, 'eventLoopUtilization').mockReturnValue({ idle: 500, active: 100, utilization: 1 / 6 });
    expect(spareTimeMs()).toBe(510);
    measured.mockRestore();
  });
});

describe('connects', () => {
  it('are admitted up to the rate, half of them at once, and evenly after that', () => {
    const { admitted, pass } = openRate(20);
    expect(admitted(100)).toBe(10);
    pass(100);
    expect(admitted(100)).toBe(2);
    pass(60_000);
    expect(admitted(100)).toBe(10);
  });

  it.each([
    ['fewer while the gateway is busy', 0.1, 2],
    ['(twin) as many as ever if it is not', 1, 20],
  ])('are admitted in a second: %s', (_what, spare, expected) => {
    const { admitted, pass } = openRate(20, { spare });
    admitted(100);
    let later = 0;
    for (let tenth = 0; tenth < 10; tenth++) {
      pass(100);
      later += admitted(100);
    }
    expect(later).toBe(expected);
  });

  it('are never refused without a rate', () => {
    const { admitted, lines } = openRate(Number.POSITIVE_INFINITY);
    expect(admitted(10_000)).toBe(10_000);
    expect(lines).toEqual([]);
  });

  it('return spread over some seconds', () => {
    const hints = [0, 0.5, 0.999].map((random) => {
      const { rate } = openRate(1, { random: () => random });
      rate.refuse();
      return rate.refuse();
    });
    expect(hints).toMatchObject([1_000, 3_000, 4_996].map((retryAfterMs) => ({ code: 'unavailable', retryAfterMs })));
  });

  it('that are too many are told to the operator once a minute', () => {
    const { admitted, lines, pass } = openRate(1);
    admitted(50);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ perSecond: 1, leftOut: 0 }]);
    pass(60_000);
    admitted(2);
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({ leftOut: 48 });
  });
});
