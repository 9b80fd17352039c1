import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AT_ONCE, createFanOut } from './fan-out.ts';

const membersOf = (count: number): Set<number> => new Set(Array.from({ length: count }, (_, i) => i));

it('tells a few members at once, in their order', () => {
  const told: string[] = [];
  const tellAll = createFanOut(membersOf(3), (member: number, value: string) => told.push(`${member} ${value}`));
  tellAll('a');
  tellAll('b');
  expect(told).toEqual(['0 a', '1 a', '2 a', '0 b', '1 b', '2 b']);
});

it('lets the event loop turn while it tells many', async () => {
  const members = membersOf(10 * AT_ONCE);
  let told = 0;
  createFanOut(members, () => told++)('a');
  for (let turns = 1; turns <= 10; turns++) {
    expect(told).toBe(turns * AT_ONCE);
    await nextTurn();
  }
  expect(told).toBe(members.size);
});

it('says when all were told, or a newer value has taken the rest over', async () => {
  const told: string[] = [];
  const few = createFanOut(membersOf(1), (_member, value: string) => told.push(value));
  few('a', () => told.push('a ends'));
  few('b');
  const many = createFanOut(membersOf(2 * AT_ONCE), () => undefined);
  many('c', () => told.push('c ends'));
  many('d', () => told.push('d ends'));
  expect(told).toEqual(['a', 'a ends', 'b', 'c ends']);
  for (let turns = 0; turns < 4; turns++) await nextTurn();
  expect(told.slice(4)).toEqual(['d ends']);
});

it('starves nobody when changes come faster than a round, and each hears the newest', async () => {
  const members = membersOf(4 * AT_ONCE);
  const heard = new Map<number, number>();
  const tellAll = createFanOut(members, (member: number, value: number) => heard.set(member, value));
  for (let change = 1; change <= 8; change++) {
    tellAll(change);
    await nextTurn();
  }
  expect(heard.size).toBe(members.size);
  while (Math.min(...heard.values()) < 8) await nextTurn();
});

it('tells each member that stays the newest value, whoever joins and leaves', async () => {
  const step = fc.constantFrom('change', 'join', 'leave', 'turn');
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), fc.integer({ min: 0, max: 3 * AT_ONCE }), async (steps, size) => {
      const members = membersOf(size);
      const heard = new Map<number, number>();
      const tellAll = createFanOut(members, (member: number, value: number) => {
        expect(members.has(member)).toBe(true);
        heard.set(member, value);
      });
      const from = new Map<number, number>(); // the change after which each has joined
      let change = 0;
      for (const [i, one] of steps.entries()) {
        if (one === 'change') tellAll(++change);
        else if (one === 'join') {
          members.add(1_000_000 + i);
          from.set(1_000_000 + i, change);
        } else if (one === 'leave') members.delete([...members][(i * 7) % Math.max(1, members.size)] ?? -1);
        else await nextTurn();
      }
      for (let i = 0; i < 10; i++) await nextTurn();
      for (const member of members) if ((from.get(member) ?? 0) < change) expect(heard.get(member)).toBe(change);
    }),
  );
});
