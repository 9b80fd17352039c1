/**
 * Estimates the server's time. A code must not be seen at or after its `staleAt`, which is a time
 * of the server's clock. The viewer's wall clock is never used as a time, because it may be wrong
 * by hours or be changed while a code is shown.
 *
 * - The estimate is the `serverNow` of a message plus the monotonic time since it arrived. It lags
 *   by the time that the message was under way.
 * - Within one connection the estimate never goes back. A delayed message carries an older time,
 *   and using that would show codes for longer. A new connection starts the estimate again, so that
 *   a corrected server clock is not ignored for ever.
 * - The monotonic clock of a browser stops while the machine sleeps, and the wall clock does not.
 *   If the wall clock runs ahead, the difference counts as sleep until the server says better
 *   (`isSuspect`: reconnect to find out). Setting the wall clock forward looks the same and costs
 *   one reconnect.
 */

/** Both in ms. `monotonic` may start anywhere, so only its differences have a meaning. */
export interface ClockSources {
  readonly monotonic: () => number;
  readonly wall: () => number;
}

export interface ServerClock {
  /**
   * Call for each new connection. Its first `sync` replaces the estimate, which is kept until then.
   */
  restart(): void;
  /** @param serverNow Unix ms, from a session message that arrived just now */
  sync(serverNow: number): void;
  /** Unix ms by the server's clock; null before the first `sync`. */
  now(): number | null;
  /**
   * Whether the machine seems to have slept since the last new connection. The estimate is then too
   * late rather than too early.
   */
  isSuspect(): boolean;
}

/** Smaller steps are corrections of the wall clock, not sleep. */
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
      // Keep a suspected sleep until a new connection: this message may have waited for the machine
      // to wake.
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
