import { describe, expect, it } from 'vitest';
import { createScript } from './test-transport.ts';
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
  it('gives each two tries in a row, round and round', () => {
    expect(failing(order(), 8)).toEqual(['websocket', 'websocket', 'sse', 'sse', 'long-poll', 'long-poll', 'websocket', 'websocket']);
  });

  it('stays with a transport over which the gateway has its say', () => {
    const asked = order();
    asked.failed();
    asked.refused();
    asked.failed();
    expect(asked.current().name).toBe('websocket');
  });

  it('begins after a loss with the best one that ever opened', () => {
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

  it('counts tries anew after a success', () => {
    const asked = order();
    asked.failed();
    asked.opened();
    asked.lost();
    asked.failed();
    expect(asked.current().name).toBe('websocket');
  });
});
