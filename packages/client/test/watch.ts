/**
 * For tests: a watch over a transport that the test controls, with a clock that the test moves.
 */

import { afterEach, beforeEach, expect, vi } from 'vitest';
import type { SessionWatch, WatchOptions } from '../src/types.ts';
import { watchSession } from '../src/watch-session.ts';
import { createScript } from './transport.ts';

export const REVOKED = { code: 'ticket_revoked', detail: 'why', retryable: false, retryAfterMs: 0 } as const;
const TYPES = ['session', 'fresh', 'stale', 'connection', 'final'] as const;

/**
 * Call at the top of a test file. After each test it closes what the test opened and checks that no
 * timer is left.
 */
export function prepareWatches() {
  const watches = new Set<SessionWatch>();
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 });
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
  });
  afterEach(() => {
    for (const watch of watches) watch.close();
    watches.clear();
    expect(vi.getTimerCount(), 'timers that are left').toBe(0);
    vi.useRealTimers();
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  });

  async function open(options: Partial<WatchOptions> = {}) {
    const script = createScript();
    const watch = watchSession({ url: 'https://qrcast.example.com', ticket: 'first', transport: script.transport(), ...options });
    watches.add(watch);
    const told: string[] = [];
    for (const type of TYPES) watch.on(type, (data) => told.push('version' in data ? `${type} ${data.version}` : data.status));
    await Promise.resolve();
    return { watch, script, told, server: () => script.last().handlers };
  }

  return { open };
}
