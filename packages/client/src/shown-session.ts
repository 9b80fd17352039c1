/**
 * What of the newest state may be shown now. From a code's `staleAt` on, by the server's clock, the session stands here without it: a timer of
 * its own sees to that, whatever the connection does, and `check` does after a sleep, in which timers stand still.
 */

import type { ServerClock } from './clock.ts';
import { startTimer } from './timer.ts';
import { isConfirmation, withFresh, withSession } from './told.ts';
import type { Fresh, Session } from './types.ts';

export interface ShownSession {
  /** Version of the newest state; 0 for none. */
  version(): number;
  tell(session: Session): void;
  renew(fresh: Fresh): void;
  /** To be called when time may have passed without timers. */
  check(): void;
  /** No code any more, and no timer. */
  close(): void;
}

export interface ShownDeps {
  readonly clock: ServerClock;
  /** Only for changes. `session`: a newer state; `fresh`: its code may be shown for longer; `stale`: no more. */
  onChange(kind: 'session' | 'fresh' | 'stale', session: Session): void;
}

/** Codes go this much before `staleAt`: the idea of the server's time lags by a message's way, and a timer may be late. */
export const BLANK_EARLY_MS = 300;

export function createShownSession({ clock, onChange }: ShownDeps): ShownSession {
  let told: Session | null = null;
  let isBlank = false;
  let isOver = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  /** Ms until the code of `told` has to go; null if it has none. */
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
    const turn = isBlank && !wasBlank ? 'stale' : wasBlank && !isBlank ? 'fresh' : null;
    const kind = change === 'session' ? change : (turn ?? (isBlank ? null : change));
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
