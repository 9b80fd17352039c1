import { describe, expect, it } from 'vitest';
import { visibleWidth } from './frame.ts';
import { cutTo, type TableColumn, tableLines, tableWithin } from './table.ts';

describe('a table', () => {
  it('has columns as wide as their longest cell, also with characters of two columns', () => {
    expect(
      tableLines(
        ['ID', 'NAME'],
        [
          ['acme', '商店'],
          ['b', 'Bank'],
        ],
      ),
    ).toEqual(['ID    NAME', 'acme  商店', 'b     Bank']);
  });

  const COLUMNS: readonly TableColumn[] = [
    { title: 'STATE', leftOut: 0 },
    { title: 'NAME', narrowest: 6, leftOut: 1 },
    { title: 'AGE', leftOut: 2 },
  ];
  const ROWS = [
    ['showing', 'a name that is long', '12s'],
    ['ended', 'short', '3m'],
  ];

  it('cuts long cells before it leaves columns out', () => {
    expect(tableWithin(80, COLUMNS, ROWS)[1]).toBe('showing  a name that is long  12s');
    expect(tableWithin(24, COLUMNS, ROWS)).toEqual(['STATE    NAME        AGE', 'showing  a name th…  12s', 'ended    short       3m']);
    expect(tableWithin(19, COLUMNS, ROWS)).toEqual(['STATE    NAME', 'showing  a name th…', 'ended    short']);
    expect(tableWithin(10, COLUMNS, ROWS)).toEqual(['STATE', 'showing', 'ended']);
  });

  it('is within every width that has room for what is never left out', () => {
    for (let width = 7; width < 50; width++) {
      for (const line of tableWithin(width, COLUMNS, ROWS)) expect(visibleWidth(line), `${width}: ${line}`).toBeLessThanOrEqual(width);
    }
  });
});

describe('a text that is cut', () => {
  it.each([
    [10, 'short', 'short'],
    [5, 'short', 'short'],
    [4, 'short', 'sho…'],
    [1, 'short', '…'],
    [0, 'short', ''],
    [4, '商店の', '商…'],
    [3, '👨‍👩‍👧‍👦👨‍👩‍👧‍👦', '👨‍👩‍👧‍👦…'],
  ])('to %i columns, of %j, is %j', (width, text, cut) => {
    expect(cutTo(width, text)).toBe(cut);
  });
});
