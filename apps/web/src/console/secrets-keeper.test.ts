import { expect, it, vi } from 'vitest';
import { createSecretsKeeper } from './secrets-keeper.ts';

it('keeps each secret until it is dropped, under an id of its own', () => {
  const onKeep = vi.fn();
  const keeper = createSecretsKeeper(onKeep);
  keeper.keep('Shop', { apiKey: 'a' });
  keeper.keep('Shop', { apiKey: 'b' });
  const [first, second] = keeper.now();
  expect([first?.values, second?.values, onKeep.mock.calls.length]).toEqual([{ apiKey: 'a' }, { apiKey: 'b' }, 2]);
  keeper.drop(first?.id ?? '');
  expect(keeper.now()).toEqual([second]);
  expect(keeper.isNeeded()).toBe(true);
  keeper.drop(second?.id ?? '');
  expect(keeper.isNeeded()).toBe(false);
});

it('is needed while a secret is still to come', () => {
  const keeper = createSecretsKeeper(() => undefined);
  const [one, other] = [keeper.expect(), keeper.expect()];
  one();
  one();
  expect(keeper.isNeeded()).toBe(true);
  other();
  expect(keeper.isNeeded()).toBe(false);
});

it('keeps nothing after its end, not even what comes late', () => {
  const onKeep = vi.fn();
  const keeper = createSecretsKeeper(onKeep);
  const onAnswer = keeper.expect();
  keeper.keep('Shop', { apiKey: 'a' });
  keeper.close();
  onAnswer();
  keeper.keep('Shop', { apiKey: 'b' });
  expect([keeper.now(), keeper.isNeeded(), onKeep.mock.calls.length]).toEqual([[], false, 1]);
});
