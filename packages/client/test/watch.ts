/**
 * For tests: a watch over a transport that does what the test says, by a clock that stands until it
 * is moved.
 */

import { afterEach, beforeEach, expect, vi } from 'vitest';
import type { SessionWatch, WatchOptions } from '../src/types.ts';
import { watchSession } from '../src/watch-session.ts';
import { createScript } from './transport.ts';

export const REVOKED = { code: 'ticket_revoked', detail: 'why', retryable: false, retryAfterMs: 0 } as const;
const TYPES = ['session', 'fresh', 'stale', 'connection', 'final'] as const;

/**
 * For the top of a test file: what its tests open is closed after each, and must leave no timer.
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
