import { wireSessionSchema } from '@qrcast/core/wire';
import { expect, it } from 'vitest';
import { createPublish, createReadyMessages } from './ready-message.ts';

it('makes states of the contract, whose text is that of their JSON', () => {
  const messages = createReadyMessages();
  const state = messages.state(70);
  expect(wireSessionSchema.parse(state)).toMatchObject({ version: 70, state: 'showing' });
  expect(messages.stateText(70)).toBe(JSON.stringify(state));
  expect(messages.stateText(70).length).toBeGreaterThan(5_000);
  expect(messages.fresh(71)).toEqual({ id: state.id, version: 71, staleAt: state.code?.staleAt });
});

it('publishes to one session after the other, with a version of its own each time', async () => {
  const sent: unknown[] = [];
  const publish = createPublish(2, (...message) => sent.push(message));
  expect((await publish(100, 0.02, false)).map(([index, version]) => [index, version])).toEqual([
    [1, 1],
    [0, 2],
  ]);
  await publish(100, 0.01, true);
  expect(sent).toEqual([
    [1, 1, false],
    [0, 2, false],
    [1, 3, true],
  ]);
});
