/**
 * One table for both transports. Over each, our gateway is measured beside a rival of its own: a
 * program of `ws` without guarantees (`bare`), and Socket.IO with its adapter for Redis (`stock`).
 */

import { medianOf, type Row, ratiosOf, type Target } from './result.ts';
import { type Comparison, type Contender, compare, type FigureSpec } from './rounds.ts';
import type { Over } from './viewer-socket.ts';

export const OVERS = ['WebSocket', 'Socket.IO'] as const satisfies readonly Over[];
export const RIVALS = { WebSocket: 'bare', 'Socket.IO': 'stock' } as const satisfies Record<Over, string>;
/** The columns of the table. */
export const COLUMNS: readonly string[] = ['qrcast', ...OVERS.map((over) => RIVALS[over])];

export interface ComparisonOverBoth<Key extends string> extends Omit<Comparison<Key>, 'contenders'> {
  /** Ours and its rival. */
  contendersOver(over: Over): readonly [Contender<Key>, Contender<Key>];
}

/** @returns the rows of one transport, then those of the other. Each row begins with the name of its transport. */
export async function compareOverBoth<Key extends string>(options: ComparisonOverBoth<Key>): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const over of OVERS) {
    const progress = (text: string): void => options.progress(`${over}, ${text}`);
    const compared = await compare({ ...options, contenders: options.contendersOver(over), progress });
    rows.push(...compared.map((row) => rowOver(over, row)));
  }
  return rows;
}

/** The figure of the rival moves into the rival's column. */
function rowOver(over: Over, { what, others: [rival = null], ...row }: Row): Row {
  return { ...row, what: `${over}: ${what}`, others: OVERS.map((one) => (one === over ? rival : null)) };
}

/** A target for our share of the rival's figure. @param what as in the row, without the transport */
export function targetBesideRival(rows: readonly Row[], over: Over, what: string, most: number): Target {
  const row = rowOf(rows, over, what);
  const measured = row === undefined ? Number.NaN : medianOf(ratiosOf(row.ours, row.others[OVERS.indexOf(over)] ?? null));
  return { what: `${over}: ${what}`, measured, unit: `× ${RIVALS[over]}`, most };
}

/** A target for the largest of our figures in several rows. @param what of the target */
export function targetOfLargest(rows: readonly Row[], over: Over, what: string, rowsOf: readonly FigureSpec[], most: number): Target {
  const figures = rowsOf.map((row) => medianOf(rowOf(rows, over, row.what)?.ours ?? Number.NaN));
  return { what: `${over}: ${what}`, measured: Math.max(...figures), unit: rowsOf[0]?.unit ?? '', most };
}

function rowOf(rows: readonly Row[], over: Over, what: string): Row | undefined {
  return rows.find((row) => row.what === `${over}: ${what}`);
}
