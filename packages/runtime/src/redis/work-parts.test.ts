import { expect, it } from 'vitest';
import { slotOf } from './cluster-client.ts';
import { sessionKey } from './keys.ts';
import { clusterParts, partOf } from './work-parts.ts';

const parts = clusterParts('qrcast');

it('each part stands in its own range of slots, with all of its keys', () => {
  for (const part of parts) {
    expect(partOf(parts, part.outboxKey)).toBe(part);
    expect(new Set([part.outboxKey, part.tickerKey, part.callbackFaultsKey, `${part.queuePrefix}:polls:wait`].map(slotOf)).size).toBe(1);
  }
});

it.each([1, 2, 3, 6])('%i masters with even ranges have even parts', (masters) => {
  const counts = Array.from({ length: masters }, () => 0);
  for (const { outboxKey } of parts) {
    const master = Math.floor((slotOf(outboxKey) * masters) / 16_384);
    counts[master] = (counts[master] ?? 0) + 1;
  }
  expect(counts).toEqual(counts.map(() => parts.length / masters));
});

it('a part has the keys of its range, which are then at the same master of three', () => {
  for (let i = 0; i < 1_000; i++) {
    const key = sessionKey('qrcast', `ses_${i}`);
    const [part, own] = [partOf(parts, key).outboxKey, key].map((one) => Math.floor((slotOf(one) * 3) / 16_384));
    expect(own).toBe(part);
  }
});

it('one Redis has one part, for every key', () => {
  expect(partOf(['all'], sessionKey('qrcast', 'ses_1'))).toBe('all');
});
