/**
 * Reads watched sessions again, a bounded number at once. After a reset every gateway has all of
 * its sessions to read, while Redis has just come back. Changes since then come over pub/sub, so
 * nothing waits for its turn but what was missed.
 */

export interface Rereads<Item> {
  /** Reads them soon, each once. One that waits already is not read twice. */
  add(items: Iterable<Item>): void;
  /** As `add`, but begins at a random moment, so that not all processes begin at once. */
  addAfterReset(items: Iterable<Item>): void;
  forget(item: Item): void;
  close(): void;
}

export interface RereadsOptions {
  readonly atOnce?: number | undefined;
  /** From [0, 1). */
  readonly random?: (() => number) | undefined;
}

/** More would not be faster: Redis answers one after another. */
export const REREADS_AT_ONCE = 100;
const RESET_SPREAD_MS = 500;

/** @param read must not reject */
export function createRereads<Item>(
  read: (item: Item) => Promise<void>,
  { atOnce = REREADS_AT_ONCE, random = Math.random }: RereadsOptions = {},
): Rereads<Item> {
  const waiting = new Set<Item>();
  let underWay = 0;
  let timer: NodeJS.Timeout | undefined;

  function readNext(): void {
    for (const item of waiting) {
      if (underWay >= atOnce || timer !== undefined) return;
      waiting.delete(item);
      underWay++;
      void read(item).then(() => {
        underWay--;
        readNext();
      });
    }
  }

  function add(items: Iterable<Item>): void {
    for (const item of items) waiting.add(item);
    readNext();
  }

  return {
    add,
    addAfterReset(items) {
      for (const item of items) waiting.add(item);
      timer ??= setTimeout(() => {
        timer = undefined;
        readNext();
      }, random() * RESET_SPREAD_MS);
    },
    forget: (item) => void waiting.delete(item),
    close() {
      clearTimeout(timer);
      waiting.clear();
    },
  };
}
