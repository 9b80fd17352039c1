/** The board in the form that Grafana imports. */

import { BOARD, type Panel, type Row } from './board.ts';

/** Of 24 columns. */
const WIDTH = 8;
const HEIGHT = 8;
const PER_LINE = 24 / WIDTH;
const DATA_SOURCE = { type: 'prometheus', uid: '$datasource' };
const CHOSEN = 'job="$job", instance=~"$instance"';

export function boardJson(): string {
  let y = 0;
  let nextId = 1;
  const panels = BOARD.flatMap((row) => {
    const made = row.panels.map((panel, i) => panelOf(panel, nextId++, i, y + 1));
    const head = headOf(row, nextId++, y, row.isCollapsed ? made : []);
    y += row.isCollapsed ? 1 : 1 + Math.ceil(made.length / PER_LINE) * HEIGHT;
    return row.isCollapsed ? [head] : [head, ...made];
  });
  const board = {
    title: 'qrcast',
    uid: 'qrcast',
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    tags: ['qrcast'],
    templating: { list: VARIABLES },
    panels,
  };
  return `${JSON.stringify(board, null, 2)}\n`;
}

const VARIABLES = [
  { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
  { name: 'job', type: 'query', datasource: DATA_SOURCE, query: 'label_values(qrcast_build_info, job)', refresh: 2 },
  {
    name: 'instance',
    type: 'query',
    datasource: DATA_SOURCE,
    query: 'label_values(qrcast_build_info{job="$job"}, instance)',
    refresh: 2,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
  },
  { name: 'quantile', type: 'custom', query: '0.5,0.9,0.99', current: { text: '0.99', value: '0.99' } },
];

function headOf({ title, isCollapsed }: Row, id: number, y: number, panels: readonly object[]): object {
  return { id, type: 'row', title, collapsed: isCollapsed, gridPos: { x: 0, y, w: 24, h: 1 }, panels };
}

function panelOf({ title, unit, kind, queries }: Panel, id: number, place: number, top: number): object {
  const gridPos = { x: (place % PER_LINE) * WIDTH, y: top + Math.floor(place / PER_LINE) * HEIGHT, w: WIDTH, h: HEIGHT };
  const targets = queries.map(({ ask, legend }, i) => ({
    refId: String.fromCharCode('A'.charCodeAt(0) + i),
    datasource: DATA_SOURCE,
    expr: queryOf(ask),
    legendFormat: legend,
    ...(kind === 'bars' ? { instant: true } : {}),
  }));
  const type = kind === 'bars' ? 'bargauge' : 'timeseries';
  return { id, type, title, datasource: DATA_SOURCE, gridPos, fieldConfig: { defaults: { unit, min: 0 }, overrides: [] }, targets };
}

/** With the job and instances that are chosen. */
export const queryOf = (ask: string): string => ask.replaceAll('@', CHOSEN);
