/**
 * Shows the counts of a process in the text format of Prometheus. Only this module knows prom-client,
 * and hands it whole series. Its own counters cost several times as much as ours.
 */

import { readFileSync } from 'node:fs';
import { collectDefaultMetrics, type Metric as PromMetric, Registry } from 'prom-client';
import type { Histogram, Meters, Reading } from '../metrics/meters.ts';
import type { Metric, MetricOwner } from '../metrics/metric.ts';
import { METRICS } from '../metrics/metric-table.ts';
import { within } from '../redis/within.ts';

export interface MetricsRegistry {
  readonly contentType: string;
  /** All metrics as they are now. */
  text(): Promise<string>;
  close(): void;
}

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string };
const BUILD = { version, node: process.versions.node };

/** One line of the text format. */
interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  readonly metricName?: string;
}

/** Each looks at every connection of the process, and a full gateway has thousands. */
const COSTLY = ['process_open_fds', 'nodejs_active_handles', 'nodejs_active_handles_total'];
/** The event loop is looked at this often. Each look wakes the process. */
const LOOP_DELAY_STEP_MS = 50;
/** A gauge that is not read by then is left out. A proof of readiness may take 4 s, and Prometheus waits 10 s for everything. */
const READ_WITHIN_MS = 5_000;

/** @param owners whose metrics there are: `start` has those of both */
export function openMetricsRegistry(meters: Meters, owners: readonly MetricOwner[]): MetricsRegistry {
  const registry = new Registry();
  for (const name of COSTLY) registry.removeSingleMetric(name);
  const endInfo = meters.gauge('qrcast_build_info', () => [{ labels: BUILD, value: 1 }]);
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_DELAY_STEP_MS });
  for (const [name, metric] of Object.entries<Metric>(METRICS)) {
    if (!metric.of.some((owner) => owners.includes(owner))) continue;
    const { type, help } = metric;
    const get = async () => ({ name, help, type, aggregator: 'sum', values: await samplesOf(meters, name, metric) });
    registry.registerMetric({ name, get } as unknown as PromMetric); // all that its text needs
  }
  const close = (): void => {
    endInfo();
    registry.clear();
  };
  return { contentType: registry.contentType, text: () => registry.metrics(), close };
}

async function samplesOf(meters: Meters, name: string, { type, labels, buckets = [], combine }: Metric): Promise<readonly Sample[]> {
  if (type === 'counter') {
    const series = [...(meters.counters.get(name)?.series.values() ?? [])];
    const counted = series.map(({ labels: given, at }) => ({ labels: withoutEmpty(given), value: at.value }));
    return [...counted, ...notCountedYet(labels, counted)];
  }
  if (type === 'histogram') {
    const series = [...(meters.histograms.get(name)?.series.values() ?? [])];
    return series.flatMap(({ labels: given, at }) => histogramSamples(name, withoutEmpty(given), buckets, at));
  }
  const levels = [...(meters.levels.get(name)?.series.values() ?? [])].map(({ labels: given, at }) => ({
    labels: withoutEmpty(given),
    value: at.value,
  }));
  return [...levels, ...(await readGauge(meters, name, combine))];
}

/** A metric with more series that are known beforehand gets each with its first count. */
const MOST_KNOWN = 60;

/**
 * A counter that appears with 1 has not grown, as Prometheus sees it. So series that are known
 * beforehand begin with 0: those of labels with lists of values, unless they are too many.
 */
function notCountedYet(labels: Metric['labels'], counted: readonly Sample[]): readonly Sample[] {
  const seen = new Set(counted.map((sample) => JSON.stringify(sample.labels))); // in the order of the table, too
  return knownLabels(labels)
    .filter((known) => !seen.has(JSON.stringify(known)))
    .map((known) => ({ labels: known, value: 0 }));
}

/** @returns none if a label has no list of values, or there are too many */
function knownLabels(labels: Metric['labels']): readonly Sample['labels'][] {
  let known: Sample['labels'][] = [{}];
  for (const [label, values] of Object.entries(labels)) {
    if ('atMost' in values || known.length * values.length > MOST_KNOWN) return [];
    known = known.flatMap((one) => values.map((value) => ({ ...one, [label]: value })));
  }
  return known;
}

/** Readings of one series are combined. If one of them is not known, what they make is not either. */
async function readGauge(meters: Meters, name: string, combine: Metric['combine']): Promise<readonly Sample[]> {
  const reads = [...(meters.readings.get(name) ?? [])];
  const readings = await Promise.all(reads.map((read) => within(READ_WITHIN_MS, Promise.resolve().then(read)).catch((): Reading => null)));
  const combined = new Map<string, { labels: Readonly<Record<string, string>>; value: number }>();
  for (const reading of readings) {
    if (reading === null) return [];
    for (const { labels, value } of typeof reading === 'number' ? [{ labels: {}, value: reading }] : reading) {
      const key = JSON.stringify(labels);
      const before = combined.get(key)?.value;
      combined.set(key, { labels, value: before === undefined ? value : combineOf(combine)(before, value) });
    }
  }
  return [...combined.values()];
}

function combineOf(combine: Metric['combine']): (one: number, other: number) => number {
  return combine === undefined ? (one, other) => one + other : Math[combine];
}

function histogramSamples(
  name: string,
  labels: Sample['labels'],
  buckets: readonly number[],
  { counts, sum }: Histogram,
): readonly Sample[] {
  let count = 0;
  const bucketSamples = [...buckets, '+Inf'].map((le, i) => {
    count += counts[i] ?? 0;
    return { labels: { ...labels, le }, value: count, metricName: `${name}_bucket` };
  });
  return [...bucketSamples, { labels, value: sum, metricName: `${name}_sum` }, { labels, value: count, metricName: `${name}_count` }];
}

/** An empty label is the same as none. */
function withoutEmpty(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.values(labels).includes('') ? Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== '')) : labels;
}
