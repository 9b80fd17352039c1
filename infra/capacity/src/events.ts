/** The clock of a simulation: events in the order of their times, and servers that do one thing at a time. */

/** A binary heap by time. Events of the same time come in the order in which they were added. */
export function createAgenda() {
  const heap: { at: number; order: number; run: (at: number) => void }[] = [];
  let added = 0;
  const isBefore = (a: number, b: number): boolean => {
    const [one, other] = [heap[a], heap[b]];
    if (one === undefined || other === undefined) return false;
    return one.at < other.at || (one.at === other.at && one.order < other.order);
  };
  const swap = (a: number, b: number): void => {
    const [one, other] = [heap[a], heap[b]];
    if (one === undefined || other === undefined) return;
    [heap[a], heap[b]] = [other, one];
  };
  function take(): { at: number; run: (at: number) => void } | undefined {
    swap(0, heap.length - 1);
    const first = heap.pop();
    for (let i = 0; ; ) {
      const [left, right] = [2 * i + 1, 2 * i + 2];
      const least = isBefore(right, left) ? right : left;
      if (!isBefore(least, i)) return first;
      swap(least, i);
      i = least;
    }
  }
  return {
    add(at: number, run: (at: number) => void): void {
      heap.push({ at, order: added++, run });
      for (let i = heap.length - 1; i > 0; ) {
        const parent = (i - 1) >> 1;
        if (!isBefore(i, parent)) return;
        swap(i, parent);
        i = parent;
      }
    },
    runUntil(end: number): void {
      for (let next = take(); next !== undefined && next.at <= end; next = take()) next.run(next.at);
    },
  };
}

export type Agenda = ReturnType<typeof createAgenda>;

/** A core, or a Redis master. Times in ms. */
export interface Server {
  /** When work that arrives now is done. Arrivals must come in the order of their times. */
  serve(at: number, costMs: number): number;
  /** From now until then it does nothing. */
  stop(at: number, until: number): void;
  /** How long what arrives now waits. */
  waitAt(at: number): number;
  readonly busyMs: number;
}

export function createServer(): Server {
  let freeAt = 0;
  let busyMs = 0;
  return {
    serve(at, costMs) {
      busyMs += costMs;
      freeAt = Math.max(freeAt, at) + costMs;
      return freeAt;
    },
    stop(at, until) {
      freeAt = Math.max(freeAt, at) + (until - at);
    },
    waitAt: (at) => Math.max(0, freeAt - at),
    get busyMs() {
      return busyMs;
    },
  };
}
