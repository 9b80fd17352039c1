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

  it('is told from the fifth of its instances on', () => {
    expect(all(instances(7), refused)).toEqual([false, false, false, false, true, true, true]);
  });

  it('not by one instance that is refused again and again, nor by four', () => {
    for (let n = 0; n < 20; n++) expect(all(instances(4), refused)).toEqual([false, false, false, false]);
  });

  it('not while most of its instances are well', () => {
    all(instances(10, 'well'), well);
    expect(all(instances(10), refused).at(-1)).toBe(false);
    expect(all(instances(11), refused).at(-1)).toBe(true);
  });

  it('counts what an instance said last', () => {
    all(instances(8), refused);
    all(instances(8), well);
    expect(refusals.note(HOST, 'i0', refused)).toBe(false);
  });

  it('forgets what is not of this moment', () => {
    all(instances(8), refused);
    now += 10_001;
    expect(refusals.note(HOST, 'i0', refused)).toBe(false);
  });

  it('says nothing of another host, nor of answers that are neither well nor a refusal', () => {
    all(instances(8), refused);
    expect(refusals.note('https://1102.api.green-api.com', 'i0', refused)).toBe(false);
    expect(refusals.note(HOST, 'i9', { kind: 'trouble', code: 'provider_error' })).toBe(false);
    expect(refusals.note(HOST, 'i9', well)).toBe(false);
    expect(refusals.note(HOST, 'i9', refused)).toBe(true);
  });
});
