/** The loads that CAPACITY.md answers for. */

import type { Load } from './plan.ts';

export interface NamedLoad extends Load {
  readonly name: string;
}

/** Defaults of qrcast, and of its provider. A person stays for a minute. */
const ORDINARY = { viewersPerSession: 1, pollEverySeconds: 5, codeEverySeconds: 20, stayedSeconds: 60 };

export const LOADS: readonly NamedLoad[] = [
  { ...ORDINARY, name: '1,000 waiting instances', waiting: 1_000 },
  { ...ORDINARY, name: '10,000 waiting instances', waiting: 10_000 },
  { ...ORDINARY, name: '100,000 waiting instances', waiting: 100_000 },
  { ...ORDINARY, name: '1,000,000 waiting instances', waiting: 1_000_000 },
  { ...ORDINARY, name: '1,000,000 waiting instances, 5,000,000 viewers', waiting: 1_000_000, viewersPerSession: 5 },
];
