/**
 * `latency`: at half load, how long does a new code need from the provider's answer to its viewer, a
 * login from the provider's notification to all viewers of its session, and a first viewer until the
 * provider is asked? The rival has no gateway: each viewer polls the provider itself.
 *
 * Both ask once in 5 s, so both find a new code up to an interval late. The time since the birth of
 * the code shows that.
 */

import type { Releasers } from '@qrcast/runtime/releasers';
import type { BenchConfig } from './config.ts';
import { createSamples, measureBrowsers, measureOurs, type Samples, type Shares, VIEWERS_EACH } from './latency-rounds.ts';
import { spreadOf } from './measure.ts';
import type { BenchResult, Row } from './result.ts';
import { openRoleFor } from './role.ts';
import type { ProviderMethods } from './roles/provider.ts';
import { compare, type FigureSpec } from './rounds.ts';
import { INTERVAL_MS } from './system.ts';

const TARGETS_MS = { fromAnswer: 5, notification: 5, first: 10 } as const;
const SHARES: Readonly<Record<keyof Shares, FigureSpec>> = {
  gateway: { what: 'gateway CPU', unit: '% of a core' },
  worker: { what: 'worker CPU', unit: '% of a core' },
  redis: { what: 'Redis CPU', unit: '% of a core' },
  provider: { what: 'provider CPU', unit: '% of a core' },
  viewers: { what: 'CPU of all viewers', unit: '% of a core' },
};
const LATENCIES = {
  fromBirth: 'birth of a code to its viewer',
  fromAnswer: "provider's answer with a new code to its viewer",
  notification: `notification to the last of ${VIEWERS_EACH} viewers`,
  first: "first viewer's connect to the provider's request",
  background: 'change by the publisher to its viewer',
} as const;

export async function runLatency(
  config: BenchConfig,
  path: string,
  releasers: Releasers,
  progress: (text: string) => void,
): Promise<BenchResult> {
  const provider = await openRoleFor<ProviderMethods>(releasers, 'provider');
  const { url: upstream } = await provider.call('start', config.answerMs, true);
  const bench = { config, path, releasers, provider, upstream, progress };
  const [ours, browsers] = [createSamples(), createSamples()];
  const shares = await compare<keyof Shares>({
    rounds: config.rounds,
    contenders: [
      { name: 'qrcast', measure: () => measureOurs(bench, ours) },
      { name: 'browser-poll', measure: () => measureBrowsers(bench, browsers) },
    ],
    figures: SHARES,
    progress: (text) => progress(`latency: ${text}`),
  });
  const kinds = Object.keys(LATENCIES) as (keyof typeof LATENCIES)[]; // Object.keys forgets their type
  return {
    title: `latency: ${config.sessions} sessions with a viewer each, ${config.background} other states/s, 1 worker, 1 gateway; provider answers after ${config.answerMs} ms`,
    columns: ['qrcast', 'browser-poll'],
    rows: [
      ...kinds.flatMap((kind) => spreadRows(LATENCIES[kind], ours[kind], browsers[kind])),
      { what: 'codes not seen, notifications not told, requests failed', unit: '', ours: ours.missed, others: [browsers.missed] },
      ...shares,
    ],
    targets: targetsOf(ours),
    notes: [
      `each latency is of all samples of the rounds: ${ours.fromAnswer.length} codes, ${ours.notification.length} notifications, ${ours.first.length} first viewers`,
      `a code is found by a request in ${INTERVAL_MS / 1_000} s with both, so its age counts from its birth; for browser-poll there is nothing between the provider's answer and the viewer`,
      'first viewer of browser-poll: a new connection with one HTTP request',
    ],
  };
}

function spreadRows(what: string, ours: readonly number[], others: readonly number[]): readonly Row[] {
  const [one, other] = [spreadOf(ours), spreadOf(others)];
  return (['p50', 'p99', 'max'] as const).map((rank) => {
    const theirs = other.count === 0 ? null : other[rank];
    return { what: `${what}, ${rank}`, unit: 'ms', ours: one[rank], others: [theirs] };
  });
}

function targetsOf(ours: Samples): BenchResult['targets'] {
  const kinds = Object.keys(TARGETS_MS) as (keyof typeof TARGETS_MS)[]; // Object.keys forgets their type
  return kinds.map((kind) => ({ what: `${LATENCIES[kind]}, p99`, measured: spreadOf(ours[kind]).p99, unit: 'ms', most: TARGETS_MS[kind] }));
}
