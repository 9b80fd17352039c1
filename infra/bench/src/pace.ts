/** Open-loop load: work starts when it is due, even if earlier work has not been answered. */

const STEP_MS = 2;
const LOOK_EVERY_MS = 50;

/**
 * Calls `run` `perSecond` times a second for `seconds`. Resolves after the last call has been made.
 */
export function pace(perSecond: number, seconds: number, run: () => void): Promise<void> {
  const total = Math.round(perSecond * seconds);
  const startedAt = performance.now();
  let done = 0;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(total, Math.floor(((performance.now() - startedAt) * perSecond) / 1000));
      for (; done < due; done++) run();
      if (done < total) return;
      clearInterval(timer);
      resolve();
    }, STEP_MS);
  });
}

/** @param at Unix ms */
export function until(at: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, at - Date.now())));
}

/** Between two looks at something that is about to be done. */
export function soon(): Promise<void> {
  return until(Date.now() + LOOK_EVERY_MS);
}

/** Calls `run` with 0 to `count - 1`, with at most `atOnce` calls under way. */
export async function inParallel(count: number, atOnce: number, run: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await run(next++);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, lane));
}
