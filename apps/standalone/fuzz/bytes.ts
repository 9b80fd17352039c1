/** Damages bytes (latin1 text) without regard to their meaning. */

import fc from 'fast-check';
import { hostileText, render, type Text } from './values.ts';

/** `at` is a position as a share of the length, in 1/1000. */
export type Damage =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'drop'; readonly at: number; readonly length: number }
  | { readonly kind: 'insert'; readonly at: number; readonly text: Text }
  | { readonly kind: 'repeat'; readonly at: number; readonly length: number; readonly times: number };

const at = fc.nat(1_000);

const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at, bit: fc.nat(7) }),
  fc.record({ kind: fc.constant('cut' as const), at }),
  fc.record({ kind: fc.constant('drop' as const), at, length: fc.integer({ min: 1, max: 64 }) }),
  fc.record({ kind: fc.constant('insert' as const), at, text: hostileText }),
  fc.record({ kind: fc.constant('repeat' as const), at, length: fc.integer({ min: 1, max: 64 }), times: fc.integer({ min: 1, max: 50 }) }),
);

export const damages = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  { weight: 2, arbitrary: fc.array(damage, { minLength: 1, maxLength: 4 }) },
);

export const damaged = (bytes: string, all: readonly Damage[]): string => all.reduce(damageOnce, bytes);

function damageOnce(bytes: string, one: Damage): string {
  const i = Math.floor((one.at / 1_000) * bytes.length);
  switch (one.kind) {
    case 'flip':
      return bytes.slice(0, i) + String.fromCharCode((bytes.charCodeAt(i) || 0) ^ (1 << one.bit)) + bytes.slice(i + 1);
    case 'cut':
      return bytes.slice(0, i);
    case 'drop':
      return bytes.slice(0, i) + bytes.slice(i + one.length);
    case 'insert':
      return bytes.slice(0, i) + render(one.text) + bytes.slice(i);
    case 'repeat':
      return bytes.slice(0, i) + bytes.slice(i, i + one.length).repeat(one.times) + bytes.slice(i);
    default:
      return one satisfies never;
  }
}
