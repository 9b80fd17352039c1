/** Open-loop load: what is due is done on time, whether or not earlier work has been answered. */

const STEP_MS = 2;

/** Calls `run` `perSecond` times a second for `seconds`. Resolves when the last has been called. */
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

/** Resolves at the moment, Unix ms. */
export function until(at: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, at - Date.now())));
}

/** Does `run(0…count-1)` with at most `atOnce` under way. */
export async function inParallel(count: number, atOnce: number, run: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await run(next++);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, lane));
}
