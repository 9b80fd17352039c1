/**
 * What may be shown of the newest state. From a code's `staleAt` on, by the server's clock, the
 * session is reported without its code. A timer removes the code whatever the connection does.
 * `check` removes it after a sleep, because timers do not run while the machine sleeps.
 */

import type { ServerClock } from './clock.ts';
import { startTimer } from './timer.ts';
import { isConfirmation, withFresh, withSession } from './told.ts';
import type { Fresh, Session } from './types.ts';

export interface ShownSession {
  /** The version of the newest state; 0 for none. */
  version(): number;
  tell(session: Session): void;
  renew(fresh: Fresh): void;
  /** Call when time may have passed in which timers did not run. */
  check(): void;
  /** Removes the code and stops the timer. */
  close(): void;
}

export interface ShownDeps {
  readonly clock: ServerClock;
  /**
   * Called for changes only. `session`: a newer state. `fresh`: its code may be shown for longer.
   * `stale`: not any more.
   */
  onChange(kind: 'session' | 'fresh' | 'stale', session: Session): void;
}

/**
 * Codes are removed this long before `staleAt`: the estimate of the server's time lags
 * (`clock.ts`), and a timer may be late.
 */
export const BLANK_EARLY_MS = 300;

export function createShownSession({ clock, onChange }: ShownDeps): ShownSession {
  let told: Session | null = null;
  let isBlank = false;
  let isOver = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  /** How long the code of `told` may still be shown, in ms; null if it has none. */
  function leftMs(): number | null {
    const now = clock.now();
    return told === null || told.code === null || now === null ? null : told.code.staleAt - BLANK_EARLY_MS - now;
  }

  function show(change: 'session' | 'fresh' | null): void {
    clearTimeout(timer);
    const left = leftMs();
    const wasBlank = isBlank;
    isBlank = left !== null && (isOver || left <= 0);
    if (left !== null && !isBlank) timer = startTimer(() => show(null), left);
    const blanking = isBlank && !wasBlank ? 'stale' : wasBlank && !isBlank ? 'fresh' : null;
    const kind = change === 'session' ? change : (blanking ?? (isBlank ? null : change));
    if (told !== null && kind !== null) onChange(kind, isBlank ? { ...told, code: null } : told);
  }

  return {
    version: () => told?.version ?? 0,
    tell(session) {
      clock.sync(session.serverNow);
      const last = told;
      told = withSession(told, session);
      if (told === last) show(null);
      else show(isConfirmation(last, session) ? 'fresh' : 'session');
    },
    renew(fresh) {
      const last = told;
      told = withFresh(told, fresh);
      if (told !== last) show('fresh');
    },
    check: () => show(null),
    close() {
      isOver = true;
      show(null);
    },
  };
}
