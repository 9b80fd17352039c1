/** Draws the screen of `qrcast top` from a scene, and the same as a plain table. Pure. */

import { BOLD, DIM, frameOfLines, styled } from '../frame.ts';
import { cutTo, tableLines, tableWithin } from '../table.ts';
import type { Overview } from './overview.ts';
import { columnsOf, countsText, type RowKind, rowsOf } from './rows.ts';

export interface TopScene {
  readonly columns: number;
  readonly rows: number;
  readonly colours: boolean;
  readonly gateway: string;
  /** Whose sessions these are, for the person. */
  readonly whose: string;
  /** Whether they may be those of several tenants. */
  readonly hasTenants: boolean;
  /** Null until the gateway has told it. */
  readonly overview: Overview | null;
  readonly isLost: boolean;
  /** The gateway's clock, Unix ms. */
  readonly now: number;
}

const STYLES: Readonly<Record<RowKind, string>> = {
  notice: '\x1b[33m',
  password: '\x1b[35m',
  showing: '\x1b[32m',
  waiting: '',
  idle: '',
  connected: '',
  ended: DIM,
};

/** A window with fewer rows has no footer. */
const FOOTER_FROM_ROWS = 6;

/** @returns everything to write so that the screen shows the scene, whatever it showed before */
export function frameOf(scene: TopScene): string {
  return frameOfLines(linesOf(scene), scene.columns);
}

/** @returns the frame's lines, no more than there are rows, and none wider than the screen */
export function linesOf(scene: TopScene): string[] {
  const { columns, rows, colours, gateway, whose, overview, isLost } = scene;
  const line = (text: string, style = ''): string => styled(cutTo(columns, text), style, colours);
  const heading = [
    line(`qrcast top · ${whose} · ${gateway}`, BOLD),
    line(overview === null ? 'Connecting …' : countsText(overview)),
    ...(isLost ? [line('The gateway cannot be reached; this may be old. Trying again …', STYLES.notice)] : []),
  ];
  const hasFooter = rows >= FOOTER_FROM_ROWS;
  const room = Math.max(0, rows - heading.length - (hasFooter ? 1 : 0));
  const table = overview === null ? [] : tableOf(scene, overview, room);
  const hidden = (overview?.sessions.size ?? 0) - Math.max(0, table.length - 1);
  const footer = hasFooter ? [line(hidden > 0 ? `q ends. ${hidden} more do not fit.` : 'q ends.', DIM)] : [];
  return [...heading, ...table, ...footer].slice(0, rows);
}

/** @param room lines at most, with the head */
function tableOf({ columns, colours, hasTenants, now }: TopScene, overview: Overview, room: number): string[] {
  if (overview.sessions.size === 0 || room < 2) return [];
  const shown = columnsOf(hasTenants);
  const rows = rowsOf(overview, shown, now, room - 1);
  const [head = '', ...lines] = tableWithin(
    columns,
    shown,
    rows.map(({ cells }) => cells),
  ).map((text) => cutTo(columns, text));
  return [styled(head, DIM, colours), ...lines.map((text, row) => styled(text, STYLES[rows[row]?.kind ?? 'waiting'], colours))];
}

/** For a program that reads text, or a file. */
export function plainText(overview: Overview, hasTenants: boolean): string {
  const counts = countsText(overview);
  if (overview.sessions.size === 0) return counts;
  const columns = columnsOf(hasTenants);
  const rows = rowsOf(overview, columns, overview.at);
  const table = tableLines(
    columns.map(({ title }) => title),
    rows.map(({ cells }) => cells),
  );
  return [counts, '', ...table].join('\n');
}
