/**
 * How much of something scarce one of many may hold: three times what is still free. One alone gets three quarters; of n greedy ones each
 * gets the same, and a third of that always stays free for who comes next. So no share has to be set, and who holds little is not refused
 * for what others hold. It is the dynamic threshold of shared switch buffers (Choudhury and Hahne, 1998).
 */

/** The claim script has the same rule, and takes this as an argument. */
export const SHARE_OF_FREE = 3;

export function isWithinShare(held: number, free: number): boolean {
  return held < SHARE_OF_FREE * free;
}

/** Who holds how much. Forgets who holds nothing. */
export interface Holders {
  take(id: string): void;
  giveBack(id: string): void;
  of(id: string): number;
  total(): number;
  /** Those that hold more than `least`, each with how much. */
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
      if (left < 0) throw new Error(`expected only what was taken to be given back, and ${id} holds nothing`);
      if (left > 0) held.set(id, left);
      else held.delete(id);
      total--;
    },
    of: (id) => held.get(id) ?? 0,
    total: () => total,
    above: (least) => [...held].filter(([, count]) => count > least),
  };
}
