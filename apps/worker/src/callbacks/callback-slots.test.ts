import { expect, test } from 'vitest';
import { type CallbackSlot, createCallbackSlots } from './callback-slots.ts';

const taken = (slot: CallbackSlot | number): CallbackSlot => {
  if (typeof slot === 'number') throw new Error(`no slot for ${slot} ms`);
  return slot;
};

test('a tenant has a fixed number of slots, regardless of other tenants', () => {
  const slots = createCallbackSlots({ atOnce: 2, now: () => 0 });
  const first = taken(slots.take('a'));
  taken(slots.take('a'));
  expect(slots.take('a')).toBe(250);
  taken(slots.take('b'));
  first.release(true);
  taken(slots.take('a'));
});

test('callbacks without a slot are retried at a fixed rate, however many there are', () => {
  let now = 0;
  const slots = createCallbackSlots({ atOnce: 1, now: () => now });
  taken(slots.take('a'));
  const waits = Array.from({ length: 10_000 }, () => Number(slots.take('a')));
  const backAt = waits.filter((ms) => ms >= 1_000 && ms < 2_000);
  expect(backAt).toHaveLength(200);
  now = 60_000;
  expect(slots.take('a')).toBe(250); // they have all been here
});

test('a server that is down gets one request at a time, after a while, until it answers', () => {
  let now = 0;
  const slots = createCallbackSlots({ atOnce: 2, now: () => now });
  for (let i = 0; i < 20; i++) taken(slots.take('a')).release(false);
  expect(slots.take('a')).toBe(15_000);
  now = 15_000;
  const probe = taken(slots.take('a'));
  expect(slots.take('a')).toBe(15_000);
  expect(slots.take('a')).toBe(15_050);
  probe.release(false);
  now = 30_000;
  taken(slots.take('a')).release(true);
  taken(slots.take('a'));
  taken(slots.take('a'));
});

test('failures that are not in a row do not mark a server as down', () => {
  const slots = createCallbackSlots();
  for (let i = 0; i < 40; i++) taken(slots.take('a')).release(i % 10 === 0);
});
