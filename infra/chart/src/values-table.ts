/** The table of values in README.md, made from values.yaml and its comments. Pure. */

import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from 'yaml';

export interface ValueRow {
  readonly path: string;
  readonly default: string;
  /** Empty where the name says it. */
  readonly what: string;
}

/** Beyond this a default is looked up in values.yaml. */
const LONGEST_DEFAULT = 60;

/** @returns each value that is no branch, in the order of the file */
export function valueRows(yaml: string): ValueRow[] {
  const { contents } = parseDocument(yaml);
  if (!isMap(contents)) throw new Error('expected a map in values.yaml');
  return rowsOf(contents, '');
}

export function valuesTable(yaml: string): string {
  const cells = valueRows(yaml).map(({ path, what, ...row }) => [`\`${path}\``, row.default, what]);
  const table = [['value', 'default', 'what it is'], ...cells];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const lines = table.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  return lines.toSpliced(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`).join('\n');
}

function rowsOf(map: YAMLMap, above: string): ValueRow[] {
  return map.items.flatMap((pair, i) => {
    const path = `${above}${isScalar(pair.key) ? pair.key.value : ''}`;
    // The comment of a file's first line, and of a map's first key, stands at the map.
    const what = commentOf(pair) || (i === 0 && above !== '' ? (map.commentBefore ?? '') : '');
    if (isMap(pair.value) && !pair.value.flow) {
      const [first, ...others] = rowsOf(pair.value, `${path}.`);
      return first === undefined ? [] : [...withIntro(path, what), first, ...others];
    }
    return [{ path, default: `\`${defaultOf(pair)}\``, what: plain(what) }];
  });
}

/** What stands above a branch. */
const withIntro = (path: string, what: string): ValueRow[] => (what === '' ? [] : [{ path, default: '', what: plain(what) }]);

const commentOf = ({ key }: Pair): string => (isScalar(key) ? (key.commentBefore ?? '') : '');

const plain = (comment: string): string => comment.split('\n\n').at(-1)?.replaceAll(/\s+/g, ' ').trim() ?? '';

function defaultOf({ value }: Pair): string {
  const text = JSON.stringify(value ?? null);
  return text.length > LONGEST_DEFAULT ? '…' : text;
}
