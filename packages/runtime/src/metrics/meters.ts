/**
 * Counts what a process does. A count is one addition and a measured time two, so that the hot path
 * can have them. What they are is in metric-table.ts; metrics-registry.ts shows them to Prometheus.
 */

import { bucketOf } from '@qrcast/core/histogram-bucket';
import { type LabelValues, type Metric, OTHER } from './metric.ts';
import { METRICS } from './metric-table.ts';

type Table = typeof METRICS;
const MAX_TENANTS = METRICS.qrcast_attempts_total.labels.tenant.atMost;
type NameOf<Type extends Metric['type']> = { [Name in keyof Table]: Table[Name]['type'] extends Type ? Name : never }[keyof Table];
type Labels<Name extends keyof Table> = Readonly<Record<keyof Table[Name]['labels'] & string, string>>;

export type CounterName = NameOf<'counter'>;
export type GaugeName = NameOf<'gauge'>;
export type HistogramName = NameOf<'histogram'>;

/** One series of a counter. */
export class Counter {
  value = 0;

  add(count = 1): void {
    this.value += count;
  }
}

/** One series of a gauge that goes up and down with what happens. */
export class Level {
  value = 0;

  up(): void {
    this.value += 1;
  }

  down(): void {
    this.value -= 1;
  }
}

/** One series of a histogram. */
export class Histogram {
  readonly #bounds: readonly number[];
  /** By bucket, not cumulative. The last has what is above all bounds. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const bucket = bucketOf(this.#bounds, value);
    this.counts[bucket] = (this.counts[bucket] as number) + 1; // the bucket is within
    this.sum += value;
  }
}

/** All series of one metric. */
export interface Family<Series> {
  readonly series: ReadonlyMap<string, { readonly labels: LabelsOf; readonly at: Series }>;
}

type LabelsOf = Readonly<Record<string, string>>;

/** What a gauge has when it is asked: a number, several with labels, or null if it cannot be known now. */
export type Reading = number | null | readonly { readonly labels: LabelsOf; readonly value: number }[];
export type Read = () => Reading | Promise<Reading>;

export interface Meters {
  /** The label of a tenant: its id if the operator has named it, else ''. */
  tenantLabel(tenantId: string): string;
  /** The series with these labels. Keep it where it is counted often. */
  counter<Name extends CounterName>(name: Name, labels: Labels<Name>): Counter;
  histogram<Name extends HistogramName>(name: Name, labels: Labels<Name>): Histogram;
  level<Name extends GaugeName>(name: Name, labels: Labels<Name>): Level;
  /**
   * Calls `read` at each scrape. Several readings of one gauge are combined as the table says. Returns the function
   * that ends it. A reading that fails, or takes longer than 5 s, is left out.
   */
  gauge(name: GaugeName, read: Read): () => void;
  readonly counters: ReadonlyMap<string, Family<Counter>>;
  readonly histograms: ReadonlyMap<string, Family<Histogram>>;
  readonly levels: ReadonlyMap<string, Family<Level>>;
  readonly readings: ReadonlyMap<string, ReadonlySet<Read>>;
}

/** @param tenants that get a label of their own */
export function createMeters(tenants: readonly string[] = []): Meters {
  const named = new Set(tenants.slice(0, MAX_TENANTS));
  const counters = new Map<string, SeriesOf<Counter>>();
  const histograms = new Map<string, SeriesOf<Histogram>>();
  const levels = new Map<string, SeriesOf<Level>>();
  const readings = new Map<string, Set<Read>>();
  const find = <Series>(
    families: Map<string, SeriesOf<Series>>,
    name: keyof Table,
    labels: LabelsOf,
    make: (metric: Metric) => Series,
  ): Series => {
    const family = families.get(name) ?? new SeriesOf<Series>(METRICS[name], make);
    families.set(name, family);
    return family.of(labels);
  };
  return {
    tenantLabel: (tenantId) => (named.has(tenantId) ? tenantId : ''),
    counter: (name, labels) => find(counters, name, labels, () => new Counter()),
    histogram: (name, labels) => find(histograms, name, labels, ({ buckets = [] }) => new Histogram(buckets)),
    level: (name, labels) => find(levels, name, labels, () => new Level()),
    gauge(name, read) {
      const all = readings.get(name) ?? new Set();
      readings.set(name, all.add(read));
      return () => all.delete(read);
    },
    counters,
    histograms,
    levels,
    readings,
  };
}

class SeriesOf<Series> implements Family<Series> {
  readonly series = new Map<string, { labels: LabelsOf; at: Series }>();
  readonly #labels: readonly (readonly [string, LabelValues])[];
  readonly #seen = new Map<string, Set<string>>();
  readonly #make: () => Series;

  constructor(metric: Metric, make: (metric: Metric) => Series) {
    this.#labels = Object.entries(metric.labels);
    this.#make = () => make(metric);
  }

  of(labels: LabelsOf): Series {
    let key = '';
    for (const [name] of this.#labels) key += `${labels[name]}\n`;
    const known = this.series.get(key);
    if (known !== undefined) return known.at;
    const bounded = Object.fromEntries(this.#labels.map(([name, values]) => [name, this.#bounded(name, values, labels[name] ?? OTHER)]));
    const boundedKey = this.#labels.map(([name]) => `${bounded[name]}\n`).join('');
    const one = this.series.get(boundedKey) ?? { labels: bounded, at: this.#make() };
    this.series.set(boundedKey, one);
    return one.at;
  }

  #bounded(name: string, values: LabelValues, value: string): string {
    if (value === '') return value; // it does not apply
    if (!('atMost' in values)) return values.includes(value) ? value : OTHER;
    const seen = this.#seen.get(name) ?? new Set<string>();
    this.#seen.set(name, seen);
    if (seen.size < values.atMost) seen.add(value);
    return seen.has(value) ? value : OTHER;
  }
}
