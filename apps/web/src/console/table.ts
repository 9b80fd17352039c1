/**
 * A table that becomes a list of cards on a narrow screen. Browsers forget what a table is once its
 * display changes, so every part has its role.
 */

import { repeat } from 'lit/directives/repeat.js';
import { html, type Markup } from '../tidy-html.ts';

export interface Column<Row> {
  readonly label: string;
  readonly cell: (row: Row) => string | Markup;
  readonly style?: string;
}

export interface TableOptions<Row> {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  readonly styleOf?: (row: Row) => string;
  /** Below a row, across all columns. */
  readonly below?: (row: Row) => Markup | null;
}

/** The first column names its row. */
export function table<Row>({ caption, columns, rows, keyOf, styleOf, below }: TableOptions<Row>): Markup {
  return html`<table role="table" class="table">
    <caption class="unseen" .textContent=${caption}></caption>
    <thead role="rowgroup"><tr role="row">
      ${columns.map(({ label, style = '' }) => html`<th scope="col" role="columnheader" class=${style} .textContent=${label}></th>`)}
    </tr></thead>
    <tbody role="rowgroup">
      ${repeat(
        linesOf(rows, keyOf, below),
        ({ key }) => key,
        ({ row, more }) =>
          more === null
            ? html`<tr role="row" class=${styleOf?.(row) ?? ''}>${columns.map((column, i) => cellTemplate(column, row, i === 0))}</tr>`
            : html`<tr role="row" class="below"><td role="cell" colspan=${columns.length}>${more}</td></tr>`,
      )}
    </tbody>
  </table>`;
}

interface Line<Row> {
  readonly key: string;
  readonly row: Row;
  readonly more: Markup | null;
}

/**
 * Each template is one `tr`. With a part behind it, that part would have no node at its end, and Lit
 * would take all rows below it for its content.
 */
function linesOf<Row>(rows: readonly Row[], keyOf: (row: Row) => string, below: TableOptions<Row>['below']): readonly Line<Row>[] {
  return rows.flatMap((row) => {
    const key = keyOf(row);
    const more = below?.(row) ?? null;
    return [{ key, row, more: null }, ...(more === null ? [] : [{ key: `${key} below`, row, more }])];
  });
}

function cellTemplate<Row>({ label, cell, style = '' }: Column<Row>, row: Row, isName: boolean): Markup {
  const content = cell(row);
  const look = content === '' ? `${style} blank` : style;
  const inner = typeof content === 'string' ? html`<span .textContent=${content}></span>` : content;
  return isName
    ? html`<th scope="row" role="rowheader" class=${look} data-label=${label}>${inner}</th>`
    : html`<td role="cell" class=${look} data-label=${label}>${inner}</td>`;
}
