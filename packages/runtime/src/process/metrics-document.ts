/** The metrics as a document: METRICS.md, made of the table. */

import type { LabelValues, Metric } from '../metrics/metric.ts';
import { METRIC_SECTIONS, type MetricSection } from '../metrics/metric-table.ts';
import { wrap } from './wrap.ts';

const WIDTH = 100;
const INTRO = [
  '# Metrics',
  'For whoever watches over qrcast: every metric, by topic. [OPERATING.md](OPERATING.md#metrics) says how to have them read.',
  'This page is made from `packages/runtime/src/metrics` by `npx -y pnpm@12 --filter @qrcast/runtime metrics`.',
  'No label has a session, an instance, a phone or other free text. Each label has the values named here, or a greatest number of them; ' +
    'whatever else comes counts as `other`. What cannot be known at the moment is left out, and is not 0.',
];

export function metricsPage(): string {
  return `${[...INTRO.map((text) => wrapped(text)), ...METRIC_SECTIONS.map(sectionOf)].join('\n\n')}\n`;
}

function sectionOf({ title, intro, metrics }: MetricSection): string {
  return [`## ${title}`, wrapped(intro), ...Object.entries(metrics).map(([name, metric]) => entryOf(name, metric))].join('\n\n');
}

function entryOf(name: string, { type, help, labels, of, buckets }: Metric): string {
  const facts = [
    `${type[0]?.toUpperCase()}${type.slice(1)}, of ${of.map((owner) => `each ${owner}`).join(' and ')}.`,
    ...Object.entries(labels).map(([label, values]) => `\`${label}\`: ${valuesOf(values)}.`),
    ...(buckets === undefined ? [] : [`Buckets: ${buckets.join(', ')}.`]),
  ];
  return [`### \`${name}\``, wrapped(help), facts.map((fact) => wrapped(`- ${fact}`, '  ')).join('\n')].join('\n\n');
}

function valuesOf(values: LabelValues): string {
  return 'atMost' in values ? `${values.what}; at most ${values.atMost}` : values.map((value) => `\`${value}\``).join(', ');
}

/** `indent`: of the lines after the first. */
function wrapped(text: string, indent = ''): string {
  return wrap(text, WIDTH - indent.length).join(`\n${indent}`);
}
