import { describe, expect, it } from 'vitest';
import { latencies } from './deliveries.ts';
import { spreadOf } from './measure.ts';

describe('spreadOf', () => {
  it('returns measured values, whatever their order', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(spreadOf(values)).toEqual({ count: 100, p50: 50, p99: 99, max: 100 });
  });

  it('has no figures for no values', () => {
    expect(spreadOf([])).toEqual({ count: 0, p50: Number.NaN, p99: Number.NaN, max: Number.NaN });
  });
});

describe('latencies', () => {
  it('joins by session and version, and ignores what never came or was not sent in the window', () => {
    const sent = [
      [0, 5, 1_000],
      [1, 5, 1_001],
      [0, 6, 1_002],
    ] as const;
    const received = [
      [1, 4, 1_000.5],
      [1, 5, 1_004],
      [0, 6, 1_012],
    ] as const;
    expect(latencies(sent, received)).toEqual([3, 10]);
  });
});
