import { expect, it } from 'vitest';
import { readConfig } from './config.ts';

it('has a default for everything, and treats an empty variable as unset', () => {
  expect(readConfig({ BENCH_RESULTS: '' })).toEqual({
    only: null,
    seconds: 20,
    rounds: 3,
    sessions: 1_000,
    rate: 400,
    viewers: 3_000,
    instances: 10_000,
    firsts: 300,
    hostile: 10_000,
    flood: 10_000,
    storm: 2_000,
    restart: 5_000,
    rush: 2_000,
    idleViewers: 10_000,
    connects: 150,
    answerMs: 20,
    background: 1_000,
    notified: 300,
    pictures: 500,
    paints: 15,
    soakMinutes: 60,
    soakRate: 50,
    results: null,
    isProfiled: false,
    profileFolder: null,
  });
});

it('reports every fault at once', () => {
  const read = () => readConfig({ BENCH_SECONDS: '3', BENCH_RATE: 'fast', BENCH_ONLY: 'all' });
  expect(read).toThrow(/BENCH_SECONDS: expected a whole number from 4 to 600/);
  expect(read).toThrow(/BENCH_RATE/);
  expect(read).toThrow(/BENCH_ONLY/);
});
