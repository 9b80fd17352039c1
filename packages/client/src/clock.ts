/**
 * The server's time, as well as this machine can know it. A code must not be seen at or after its `staleAt`, which is a moment of the
 * server's clock, so the viewer's wall clock is never read as a time: it may be wrong by hours or be changed while a code is shown.
 *
 * - The estimate is the `serverNow` of a message plus the monotonic time since its arrival. It lags by the message's way here.
 * - Within one connection it never goes back: a message that was held up on its way tells an older time, and believing it would show
 *   codes for longer. A new connection is believed afresh, so that a corrected server clock is not ignored for ever.
 * - Monotonic clocks of browsers stop while the machine sleeps. The wall clock does not, so when it runs ahead of the monotonic one the
 *   difference counts as slept time until the server says better (`isSuspect`: reconnect to be told). Somebody setting the clock forward
 *   looks the same; the price is one reconnect.
 */

/** Milliseconds; of `monotonic` only differences mean something. */
export interface ClockSources {
  readonly monotonic: () => number;
  readonly wall: () => number;
}

export interface ServerClock {
  /** A new connection: its first `sync` replaces the estimate. Until then the old estimate goes on. */
  restart(): void;
  /** @param serverNow Unix ms, from a session message that arrived just now */
  sync(serverNow: number): void;
  /** Unix ms by the server's clock; null before the first `sync`. */
  now(): number | null;
  /** The machine seems to have slept, and no new connection has come since; the estimate is rather ahead than behind. */
  isSuspect(): boolean;
}

/** Steps below this are corrections of the wall clock, not sleep. */
const SLEEP_MIN_MS = 2_000;

export function createServerClock({ monotonic, wall }: ClockSources): ServerClock {
  let server: { readonly at: number; readonly time: number } | null = null;
  let isFirst = true;
  let sleptMs = 0;
  let seen = { at: monotonic(), wall: wall() };

  function noticeSleep(): void {
    const next = { at: monotonic(), wall: wall() };
    const aheadMs = next.wall - seen.wall - (next.at - seen.at);
    if (aheadMs >= SLEEP_MIN_MS) sleptMs += aheadMs;
    seen = next;
  }

  function estimate(): number | null {
    return server === null ? null : server.time + (monotonic() - server.at) + sleptMs;
  }

  return {
    restart() {
      isFirst = true;
    },
    sync(serverNow) {
      noticeSleep();
      const known = isFirst ? null : estimate();
      // A suspected sleep is kept within the connection: what arrives now may have been waiting for the machine to wake.
      if (known !== null && known > serverNow) return;
      server = { at: monotonic(), time: serverNow };
      isFirst = false;
      sleptMs = 0;
    },
    now() {
      noticeSleep();
      return estimate();
    },
    isSuspect() {
      noticeSleep();
      return sleptMs > 0 && !isFirst;
    },
  };
}
