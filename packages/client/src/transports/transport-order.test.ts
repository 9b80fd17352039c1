import { describe, expect, it } from 'vitest';
import { createScript } from '../../test/transport.ts';
import { createTransportOrder } from './transport-order.ts';

const { transport } = createScript();
const order = () => createTransportOrder([transport('websocket'), transport('sse'), transport('long-poll')]);

function failing(from: ReturnType<typeof order>, times: number): string[] {
  return Array.from({ length: times }, () => {
    const { name } = from.current();
    from.failed();
    return name;
  });
}

describe('the order of transports', () => {
  it('gives each two tries in a row, in a cycle', () => {
    expect(failing(order(), 8)).toEqual(['websocket', 'websocket', 'sse', 'sse', 'long-poll', 'long-poll', 'websocket', 'websocket']);
  });

  it('stays with a transport over which the gateway answers', () => {
    const asked = order();
    asked.failed();
    asked.refused();
    asked.failed();
    expect(asked.current().name).toBe('websocket');
  });

  it('begins with the best one that ever opened after a loss', () => {
    const asked = order();
    failing(asked, 2);
    asked.opened();
    asked.lost();
    expect(asked.current().name).toBe('sse');
    failing(asked, 4); // sse, long-poll, and back to the first
    asked.opened();
    asked.lost();
    expect(asked.current().name).toBe('websocket');
    failing(asked, 2);
    asked.opened();
    asked.lost();
    expect(asked.current().name, 'not the one that opened last').toBe('websocket');
  });

  it('gives a silent one a single try, and a short one if there is another', () => {
    const asked = order();
    const tries = Array.from({ length: 4 }, () => {
      const { name } = asked.current();
      return [name, asked.openWithinMs(), asked.silent(false)];
    });
    expect(tries).toEqual([
      ['websocket', 4_000, true],
      ['sse', 4_000, true],
      ['long-poll', 10_000, false],
      ['websocket', 4_000, true],
    ]);
  });

  it('does not return after a loss to one that brought nothing', () => {
    const asked = order();
    asked.silent(false);
    asked.opened();
    expect(asked.silent(true), 'the beginning of a stream came through').toBe(true);
    asked.opened();
    asked.lost();
    expect(asked.current().name).toBe('long-poll');
    expect(failing(asked, 3)).toEqual(['long-poll', 'long-poll', 'websocket']);
  });

  it('treats silence of one that works here as a network failure, and waits longer', () => {
    const asked = order();
    asked.opened();
    asked.lost();
    expect([asked.openWithinMs(), asked.silent(false), asked.current().name]).toEqual([10_000, false, 'websocket']);
    expect([asked.silent(false), asked.current().name]).toEqual([false, 'sse']);
  });

  it('counts tries from the beginning after a success', () => {
    const asked = order();
    asked.failed();
    asked.opened();
    asked.lost();
    asked.failed();
    expect(asked.current().name).toBe('websocket');
  });
});
