import type { Outcome } from '@qrcast/core/outcome';
import { beforeEach, describe, expect, it } from 'vitest';
import { createHostRefusals, type HostRefusals } from './host-refusals.ts';

const HOST = 'https://1101.api.green-api.com';
const refused: Outcome = { kind: 'refused', reason: 'credentials_rejected' };
const well: Outcome = { kind: 'notAuthorized' };

describe('a host that refuses everybody', () => {
  let now: number;
  let refusals: HostRefusals;

  beforeEach(() => {
    now = 0;
    refusals = createHostRefusals({ now: () => now });
  });
  const all = (names: readonly string[], outcome: Outcome, host = HOST): boolean[] =>
    names.map((name) => refusals.note(host, name, outcome));
  const instances = (count: number, prefix = 'i'): string[] => Array.from({ length: count }, (_, n) => `${prefix}${n}`);

  it('is recognised from its fifth refused instance on', () => {
    expect(all(instances(7), refused)).toEqual([false, false, false, false, true, true, true]);
  });

  it('is not recognised by one instance that is refused repeatedly, nor by four', () => {
    for (let n = 0; n < 20; n++) expect(all(instances(4), refused)).toEqual([false, false, false, false]);
  });

  it('is not recognised while most of its instances answer', () => {
    all(instances(10, 'well'), well);
    expect(all(instances(10), refused).at(-1)).toBe(false);
    expect(all(instances(11), refused).at(-1)).toBe(true);
  });

  it('is judged by the last answer about each instance', () => {
    all(instances(8), refused);
    all(instances(8), well);
    expect(refusals.note(HOST, 'i0', refused)).toBe(false);
  });

  it('is not judged by old answers', () => {
    all(instances(8), refused);
    now += 10_001;
    expect(refusals.note(HOST, 'i0', refused)).toBe(false);
  });

  it('says nothing about another host, or about answers that are trouble', () => {
    all(instances(8), refused);
    expect(refusals.note('https://1102.api.green-api.com', 'i0', refused)).toBe(false);
    expect(refusals.note(HOST, 'i9', { kind: 'trouble', code: 'provider_error' })).toBe(false);
    expect(refusals.note(HOST, 'i9', well)).toBe(false);
    expect(refusals.note(HOST, 'i9', refused)).toBe(true);
  });
});
