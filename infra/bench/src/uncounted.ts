/** Meters that count nothing: what a gateway would cost without its metrics. */

import { Counter, createMeters, Histogram, Level, type Meters } from '@qrcast/runtime/metrics/meters';

class NoCounter extends Counter {
  override add(): void {}
}

class NoHistogram extends Histogram {
  override observe(): void {}
}

class NoLevel extends Level {
  override up(): void {}
  override down(): void {}
}

export function uncounted(): Meters {
  const [counter, histogram, level] = [new NoCounter(), new NoHistogram([]), new NoLevel()];
  return { ...createMeters(), counter: () => counter, histogram: () => histogram, level: () => level };
}
