import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connected, SERVER, sampleSession, showing } from '../test/session.ts';
import { createServerClock } from './clock.ts';
import { BLANK_EARLY_MS, createShownSession } from './shown-session.ts';
import type { Session } from './types.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function openShown() {
  let sleptMs = 0;
  const changes: { readonly kind: string; readonly session: Session }[] = [];
  const clock = createServerClock({ monotonic: () => performance.now(), wall: () => Date.now() + sleptMs });
  const shown = createShownSession({ clock, onChange: (kind, session) => changes.push({ kind, session }) });
  return {
    clock,
    shown,
    changes,
    kinds: () => changes.map(({ kind }) => kind),
    last: () => changes.at(-1)?.session,
    /** Timers and the monotonic clock stand still, the wall clock does not. */
    suspend(ms: number) {
      sleptMs += ms;
    },
  };
}

describe('a code that is shown', () => {
  it('is removed by its own timer just before it is stale, by the server clock', () => {
    const { shown, kinds, last, clock } = openShown();
    shown.tell(showing(1, 20_000));
    vi.advanceTimersByTime(20_000 - BLANK_EARLY_MS - 1);
    expect(kinds()).toEqual(['session']);
    vi.advanceTimersByTime(1);
    expect(kinds()).toEqual(['session', 'stale']);
    expect(last()).toEqual({ ...showing(1), code: null });
    expect(clock.now()).toBe(SERVER + 20_000 - BLANK_EARLY_MS);
    vi.advanceTimersByTime(100_000);
    expect(kinds()).toHaveLength(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('stays as long as it is confirmed, and is shown again after a late confirmation', () => {
    const { shown, kinds, last } = openShown();
    shown.tell(showing(1, 20_000));
    vi.advanceTimersByTime(19_000);
    shown.renew({ id: 'ses_1', version: 2, staleAt: SERVER + 25_000 });
    vi.advanceTimersByTime(5_000);
    expect(kinds()).toEqual(['session', 'fresh']);
    vi.advanceTimersByTime(1_000);
    expect(kinds().at(-1)).toBe('stale');
    shown.renew({ id: 'ses_1', version: 3, staleAt: SERVER + 30_000 });
    expect(last()?.code).toEqual({ ...showing(1).code, staleAt: SERVER + 30_000 });
    expect(kinds()).toEqual(['session', 'fresh', 'stale', 'fresh']);
  });

  it('is confirmed by the same code in a whole state', () => {
    const { shown, kinds, last } = openShown();
    shown.tell(showing(1, 20_000));
    const again = { ...showing(1, 30_000), version: 2, serverNow: SERVER + 5_000 };
    shown.tell(again);
    expect(kinds()).toEqual(['session', 'fresh']);
    expect(last()).toEqual(again);
  });

  it('is not shown if it is already stale when it comes', () => {
    const { shown, changes } = openShown();
    shown.tell(showing(1, BLANK_EARLY_MS));
    expect(changes).toEqual([{ kind: 'session', session: { ...showing(1, BLANK_EARLY_MS), code: null } }]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is removed at the first read after a sleep, although its timer has not run', () => {
    const { shown, kinds, suspend } = openShown();
    shown.tell(showing(1, 20_000));
    vi.advanceTimersByTime(1_000);
    suspend(600_000);
    shown.check();
    expect(kinds()).toEqual(['session', 'stale']);
  });

  it("is shown again if there was no sleep, as the server's time proves", () => {
    const { shown, kinds, last, suspend, clock } = openShown();
    shown.tell(showing(1, 20_000));
    suspend(600_000); // somebody set the clock
    shown.check();
    clock.restart();
    shown.tell({ ...showing(1, 20_000), serverNow: SERVER + 5_000 });
    expect(kinds()).toEqual(['session', 'stale', 'fresh']);
    expect(last()?.code).toEqual(showing(1).code);
  });

  it('is removed at the close, and leaves no timer', () => {
    const { shown, kinds } = openShown();
    shown.tell(showing(1));
    shown.close();
    expect(kinds()).toEqual(['session', 'stale']);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('what is shown', () => {
  it('changes only for a newer state', () => {
    const { shown, changes } = openShown();
    shown.tell(showing(3));
    shown.tell(showing(3));
    shown.tell(showing(2));
    shown.renew({ id: 'ses_1', version: 3, staleAt: SERVER + 90_000 });
    expect(changes).toHaveLength(1);
    expect(shown.version()).toBe(3);
  });

  it('is the same object that was received', () => {
    const { shown, last } = openShown();
    const session = showing(1);
    shown.tell(session);
    shown.check();
    expect(last()).toBe(session);
  });

  it('has no timer without a code', () => {
    const { shown, kinds } = openShown();
    shown.tell(showing(1));
    shown.tell(sampleSession({ version: 2 }));
    shown.tell(connected(3));
    expect(vi.getTimerCount()).toBe(0);
    expect(kinds()).toEqual(['session', 'session', 'session']);
  });
});
