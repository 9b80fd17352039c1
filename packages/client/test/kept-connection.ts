/**
 * For tests: a kept connection over transports that the test controls, with a clock that the test
 * moves.
 */

import { afterEach, beforeEach, expect, vi } from 'vitest';
import { type KeptConnection, keepConnected, type Route } from '../src/keep-connected.ts';
import type { Connection, TransportName } from '../src/types.ts';
import { createScript } from './transport.ts';

/**
 * Call at the top of a test file. After each test it closes what the test opened and checks that no
 * timer is left.
 */
export function prepareConnections() {
  const kept = new Set<KeptConnection>();
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 });
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
  });
  afterEach(() => {
    for (const connection of kept) connection.close();
    kept.clear();
    expect(vi.getTimerCount(), 'timers that are left').toBe(0);
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  return {
    open: (options: Partial<Omit<Route, 'transports'>> = {}, names: [TransportName, ...TransportName[]] = ['websocket']) =>
      open(kept, options, names),
  };
}

async function open(kept: Set<KeptConnection>, options: Partial<Omit<Route, 'transports'>>, names: [TransportName, ...TransportName[]]) {
  const script = createScript();
  const [best, ...others] = names.map((name) => script.transport(name));
  if (best === undefined) throw new Error('name a transport');
  const told: Connection[] = [];
  let version = 0;
  const connection = keepConnected(
    {
      url: 'https://qrcast.example.com',
      ticket: 'first',
      formats: undefined,
      transports: [best, ...others],
      renewTicket: undefined,
      visible: true,
      ...options,
    },
    {
      after: () => version,
      onConnection: (next) => told.push(next),
      onSession: () => undefined,
      onFresh: () => undefined,
    },
  );
  kept.add(connection);
  await Promise.resolve();
  return {
    connection,
    script,
    told,
    last: () => script.last().handlers,
    setVersion(next: number) {
      version = next;
    },
    /** Moves the clock until something else is opened, at most a minute. Returns the ms. */
    untilNext() {
      const before = script.opened.length;
      const startedAt = performance.now();
      while (script.opened.length === before && performance.now() - startedAt < 60_000) vi.advanceTimersByTime(1);
      return performance.now() - startedAt;
    },
  };
}
