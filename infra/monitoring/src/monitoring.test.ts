/** Board and alerts ask only for what there is, and each alert has a section in the runbook. */

import { readFileSync } from 'node:fs';
import type { Metric } from '@qrcast/runtime/metrics/metric';
import { METRICS } from '@qrcast/runtime/metrics/metric-table';
import { expect, test } from 'vitest';
import { BOARD } from './board.ts';
import { boardJson } from './board-json.ts';
import { writtenQueries } from './written-queries.ts';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const alerts = read('../alerts.yaml');
const alertNames = [...alerts.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name);
const asks = BOARD.flatMap(({ panels }) => panels.flatMap(({ queries }) => queries.map(({ ask }) => ask)));
const alertAsks = [...alerts.matchAll(/expr: (?:\|\n)?((?:.|\n {10,})+)/g)].map(([, ask = '']) => ask);

const runbook = read('../../../RUNBOOK.md');
const written = writtenQueries();

/** The selectors of a query: `name{label="value", …}`. */
const selectorsOf = (ask: string) => [...ask.matchAll(/\b((?:qrcast|bullmq|socket_io)_\w+)(?:\{([^}]*)\})?/g)];
const metricOf = (name: string): Metric | undefined =>
  (METRICS as Readonly<Record<string, Metric>>)[name] ?? histogramOf(name.replace(/_(?:bucket|sum|count)$/, ''));
const histogramOf = (name: string): Metric | undefined => {
  const metric = (METRICS as Readonly<Record<string, Metric>>)[name];
  return metric?.type === 'histogram' ? metric : undefined;
};

test.each([...asks, ...alertAsks, ...written])('asks for metrics, labels and values that there are: %s', (ask) => {
  for (const [, name = '', matchers = ''] of selectorsOf(ask)) {
    const metric = metricOf(name);
    expect(metric, name).toBeDefined();
    for (const [, label = '', values = ''] of matchers.matchAll(/(\w+)(?:=~|!=|=)"([^"]*)"/g)) {
      if (label === 'le') {
        // Prometheus 3 has written a `.0` behind whole numbers.
        const isWhole = values.endsWith('(\\\\.0)?');
        const bucket = values.replace('(\\\\.0)?', '');
        expect(isWhole, `${name}, le="${values}"`).toBe(Number.isInteger(Number(bucket)));
        expect(metric?.buckets?.map(String), `${name}, le="${values}"`).toContain(bucket);
        continue;
      }
      const known = metric?.labels[label];
      expect(known, `${name}, label ${label}`).toBeDefined();
      if (known !== undefined && !('atMost' in known)) for (const value of values.split('|')) expect(known).toContain(value);
    }
  }
  const labels = new Set([
    'le',
    'instance',
    'job',
    ...selectorsOf(ask).flatMap(([, name = '']) => Object.keys(metricOf(name)?.labels ?? {})),
  ]);
  for (const [, by = ''] of ask.matchAll(/by \(([^)]*)\)/g)) for (const label of by.split(', ')) expect(labels).toContain(label);
});

test('every metric of qrcast is on the board', () => {
  const shown = asks.join('\n');
  const ours = Object.keys(METRICS).filter((name) => name.startsWith('qrcast_'));
  expect(ours.filter((name) => !shown.includes(name))).toEqual([]);
});

test('grafana-board.json is made of the board: pnpm --filter @qrcast/monitoring board', () => {
  expect(read('../grafana-board.json')).toBe(boardJson());
});

/** As a person types it, who has no Grafana: of the whole job, the last 5 min, the slowest of a hundred. */
function typed(ask: string): string {
  const whole = ask.replaceAll('{@, ', '{').replaceAll('{@}', '');
  return whole
    .replaceAll(/\b(process_\w+|nodejs_\w+)/g, '$1{job="qrcast"}') // others have them, too
    .replaceAll('$__rate_interval', '5m')
    .replaceAll('$__range', '1h')
    .replaceAll('$quantile', '0.99');
}

test.each(runbook.split(/^## /m).map((section) => [/^\S+/.exec(section)?.[0] ?? '', section] as const))(
  'the section %s of the runbook has the queries of the panels that it names',
  (_name, section) => {
    const named = [...section.replaceAll('\n', ' ').matchAll(/(?<![\w`])_([A-Z][^_]+)_(?![\w`])/g)].map(([, title = '']) => title);
    const panels = BOARD.flatMap((row) => row.panels);
    const expected = [...new Set(named)].flatMap((title) => {
      const panel = panels.find((one) => one.title === title);
      return [`# ${title}`, ...(panel?.queries ?? []).map(({ ask }) => typed(ask))];
    });
    for (const line of expected) expect(`\n${section}`).toContain(`\n${line}\n`);
    for (const title of named) expect(panels.map((one) => one.title)).toContain(title);
  },
);

test('the runbook has a section for when no alert has fired, and queries to type', () => {
  expect(runbook).toContain('\n## Without an alert\n');
  expect(written.length).toBeGreaterThan(20);
});

test.each(alertNames)('%s has a section in the runbook, is linked to it, and is tested by promtool and live', (name) => {
  expect(runbook).toContain(`\n## ${name}\n`);
  expect(alerts).toContain(`runbook: RUNBOOK.md#${name.toLowerCase()}\n`);
  expect(read('../alerts.test.yaml')).toMatch(new RegExp(`alertname: ${name}\n\\s+exp_alerts:\n\\s+- exp_labels`));
  expect(read('../alerts.test.yaml')).toMatch(new RegExp(`alertname: ${name}, exp_alerts: \\[\\]`));
  expect(read('../../../apps/standalone/e2e/prometheus-alerts.e2e.release.test.ts')).toContain(`'${name}'`);
});
