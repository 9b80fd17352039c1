/** Repeatable random numbers. The same seed gives the same run. */

export interface Random {
  /** In [0, 1). */
  next(): number;
  /** How many of something that comes `mean` times on average. */
  poisson(mean: number): number;
  /** Around `median`, with a long tail. */
  logNormal(median: number, spread: number): number;
}

/** By the generator "mulberry32". */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return {
    next,
    poisson(mean) {
      if (mean > 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal())); // as good as the exact one
      let [count, product] = [0, next()];
      for (const limit = Math.exp(-mean); product > limit; count++) product *= next();
      return count;
    },
    logNormal: (median, spread) => median * Math.exp(spread * normal()),
  };
}
