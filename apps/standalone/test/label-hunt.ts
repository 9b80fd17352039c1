/**
 * For tests: searches a scrape for series that could become ever more. Each label of qrcast's has
 * the values that METRICS lists, or no more than it allows.
 */

import { type LabelValues, type Metric, OTHER } from '@qrcast/runtime/metrics/metric';
import { METRICS } from '@qrcast/runtime/metrics/metric-table';
import { parseMetrics, type Sample } from './parse-metrics.ts';

/** Of prom-client: the process and Node. Their labels name kinds of things in Node. */
const OF_NODE = /^(process|nodejs)_/;
/** More than any metric of prom-client has. */
const MOST_OF_NODE = 40;
const OF_HISTOGRAMS = /_(bucket|sum|count)$/;
const BUCKET = 'le';

/** @returns what is not bounded, each as a sentence */
export function findUnbounded(scrape: string): string[] {
  const families = Map.groupBy(parseMetrics(scrape).samples, ({ name }) => familyOf(name));
  return [...families].flatMap(([name, samples]) => {
    const metric = metricOf(name);
    if (metric !== null) return labelsOf(samples).flatMap(([label, values]) => faultOf(name, metric, label, values) ?? []);
    if (!OF_NODE.test(name)) return [`${name} is in no table`];
    return samples.length > MOST_OF_NODE ? [`${name} has ${samples.length} series`] : [];
  });
}

function familyOf(name: string): string {
  const family = name.replace(OF_HISTOGRAMS, '');
  return metricOf(family)?.type === 'histogram' ? family : name;
}

const metricOf = (name: string): Metric | null => (Object.hasOwn(METRICS, name) ? METRICS[name as keyof typeof METRICS] : null);

function labelsOf(samples: readonly Sample[]): readonly (readonly [label: string, values: ReadonlySet<string>])[] {
  const pairs = samples.flatMap(({ labels }) => Object.entries(labels));
  return [...Map.groupBy(pairs, ([label]) => label)].map(([label, all]) => [label, new Set(all.map(([, value]) => value))]);
}

function faultOf(name: string, { type, labels, buckets }: Metric, label: string, values: ReadonlySet<string>): string | null {
  const may: LabelValues | undefined =
    type === 'histogram' && label === BUCKET ? [...(buckets ?? []), '+Inf'].map(String) : (labels[label] ?? undefined);
  if (may === undefined) return `${name} has a label ${label}, which the table does not name`;
  const others = [...values].filter((value) => value !== OTHER);
  if ('atMost' in may) {
    return others.length > may.atMost ? `${name} has ${others.length} values of ${label}, and the table allows ${may.atMost}` : null;
  }
  const strange = others.filter((value) => !may.includes(value));
  return strange.length === 0 ? null : `${name} has ${strange.length} values of ${label} that the table does not list`;
}
