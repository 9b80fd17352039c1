/** Quantiles of what happened to many at once: each value with how many it stands for. */

export interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export function createSpread() {
  const seen: { value: number; weight: number }[] = [];
  return {
    add(value: number, weight: number): void {
      if (weight > 0) seen.push({ value, weight });
    },
    /** Zeros if nothing was added. */
    read(): Spread {
      seen.sort((a, b) => a.value - b.value);
      const total = seen.reduce((sum, { weight }) => sum + weight, 0);
      const at = (share: number): number => {
        let left = share * total;
        for (const { value, weight } of seen) {
          left -= weight;
          if (left <= 0) return value;
        }
        return 0;
      };
      return { p50: at(0.5), p99: at(0.99), max: seen.at(-1)?.value ?? 0 };
    },
  };
}
