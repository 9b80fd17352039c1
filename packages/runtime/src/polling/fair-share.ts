/**
 * How much of something scarce one holder may have: three times what is still free. A single holder
 * gets three quarters. Of n greedy holders each gets the same, and a third of that always stays
 * free for the next one. So nobody has to configure shares, and a holder of little is not refused
 * because of what others hold. It is the dynamic threshold of shared switch buffers (Choudhury and
 * Hahne, 1998).
 */

/** The claim script applies the same rule and gets this number as an argument. */
export const SHARE_OF_FREE = 3;

export function isWithinShare(held: number, free: number): boolean {
  return held < SHARE_OF_FREE * free;
}

/** Counts what each holder has. Holders with nothing take no memory. */
export interface Holders {
  take(id: string): void;
  giveBack(id: string): void;
  of(id: string): number;
  total(): number;
  /** The holders of more than `least`, each with its count. */
  above(least: number): [id: string, held: number][];
}

export function createHolders(): Holders {
  const held = new Map<string, number>();
  let total = 0;
  return {
    take(id) {
      held.set(id, (held.get(id) ?? 0) + 1);
      total++;
    },
    giveBack(id) {
      const left = (held.get(id) ?? 0) - 1;
      if (left < 0) throw new Error(`expected to get back only what was taken, but ${id} holds nothing`);
      if (left > 0) held.set(id, left);
      else held.delete(id);
      total--;
    },
    of: (id) => held.get(id) ?? 0,
    total: () => total,
    above: (least) => [...held].filter(([, count]) => count > least),
  };
}
