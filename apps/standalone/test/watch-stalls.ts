/** For fault tests: notices when this process did not get the processor, or did not give it away. */

export interface Stall {
  /** When it was over, Unix ms of a clock that no step of the wall clock moves. */
  readonly endedAt: number;
  readonly lateMs: number;
}

const LOOK_EVERY_MS = 20;
const LATE_MS = 30;

/** Returns the function that ends it. It keeps no process alive. */
export function watchStalls(tell: (stall: Stall) => void): () => void {
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    const lateMs = now - last - LOOK_EVERY_MS;
    last = now;
    if (lateMs >= LATE_MS) tell({ endedAt: performance.timeOrigin + now, lateMs });
  }, LOOK_EVERY_MS).unref();
  return () => clearInterval(timer);
}
