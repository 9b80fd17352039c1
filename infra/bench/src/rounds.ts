/**
 * Measures several programs on the same work, in turn, so that other load on the machine meets all
 * of them alike.
 */

import type { Row } from './result.ts';

export interface Contender<Key extends string> {
  readonly name: string;
  /** Does the work once. A figure that it does not have is left out. */
  measure(): Promise<Readonly<Partial<Record<Key, number>>>>;
}

export interface FigureSpec {
  readonly what: string;
  readonly unit: string;
  readonly isChecked?: boolean;
}

export interface Comparison<Key extends string> {
  readonly rounds: number;
  /** Ours is the first. */
  readonly contenders: readonly Contender<Key>[];
  /** The rows, in their order. */
  readonly figures: Readonly<Record<Key, FigureSpec>>;
  progress(text: string): void;
}

/** @returns a row for each figure. Every second round goes backwards, because what runs first warms the machine. */
export async function compare<Key extends string>({ rounds, contenders, figures, progress }: Comparison<Key>): Promise<readonly Row[]> {
  const measured = contenders.map(() => [] as Readonly<Partial<Record<Key, number>>>[]);
  for (let round = 0; round < rounds; round++) {
    const order = [...contenders.entries()];
    if (round % 2 === 1) order.reverse();
    for (const [index, contender] of order) {
      progress(`round ${round + 1} of ${rounds}: ${contender.name}`);
      measured[index]?.push(await contender.measure());
    }
  }
  const valuesOf = (index: number, key: Key): readonly number[] | null => {
    const values = (measured[index] ?? []).map((one) => one[key] ?? Number.NaN);
    return values.every((value) => Number.isNaN(value)) ? null : values;
  };
  const specs = Object.entries(figures) as [Key, FigureSpec][]; // Object.entries forgets the type of the keys
  return specs.map(([key, { what, unit, isChecked = false }]) => ({
    what,
    unit,
    ours: valuesOf(0, key) ?? Number.NaN,
    others: contenders.slice(1).map((_, place) => valuesOf(place + 1, key)),
    isChecked,
  }));
}
