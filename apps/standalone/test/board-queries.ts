/** For tests: the queries of the board, as Grafana sends them. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface BoardQuery {
  readonly panel: string;
  readonly query: string;
}

interface JsonPanel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
  /** Of a collapsed row. */
  readonly panels?: readonly JsonPanel[];
}

/** What the reader of the board has chosen, and what Grafana computes of the time that is shown. */
const VARIABLES = { $__rate_interval: '1m', $__range: '1h', $quantile: '0.99', $instance: '.*', $job: 'qrcast' } as const;
const BOARD = fileURLToPath(import.meta.resolve('@qrcast/monitoring/grafana-board.json'));

/** All of them, in the order of the board. */
export function boardQueries(): readonly BoardQuery[] {
  const { panels } = JSON.parse(readFileSync(BOARD, 'utf8')) as { readonly panels: readonly JsonPanel[] }; // board-json.ts makes it
  return panels.flatMap(queriesOf);
}

function queriesOf({ title, targets = [], panels = [] }: JsonPanel): readonly BoardQuery[] {
  return [...targets.map(({ expr }) => ({ panel: title, query: filled(expr) })), ...panels.flatMap(queriesOf)];
}

const filled = (query: string): string => Object.entries(VARIABLES).reduce((text, [name, value]) => text.replaceAll(name, value), query);

/**
 * A panel's first query, with the exact growth of each counter instead of its rate. Prometheus
 * extrapolates a rate and an increase to the whole window, so they are seldom whole numbers. The
 * growth has their blind spot: what a counter has when it appears is not growth.
 */
export function growthIn(panel: string): string {
  const { query } = firstQueryOf(panel);
  return query.replace(/\b(?:rate|increase)\(([^()]+)\[\w+\]\)/g, '(max_over_time($1[1h]) - min_over_time($1[1h]))');
}

export function firstQueryOf(panel: string): BoardQuery {
  const found = boardQueries().find((one) => one.panel === panel);
  if (found === undefined) throw new Error(`expected a query in the panel "${panel}"`);
  return found;
}
