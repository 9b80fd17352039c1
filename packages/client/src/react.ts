'use client';

/** `useSession`: a watch that is open while the component is mounted. */

import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import type { CallResult, SessionWatch, Snapshot, WatchOptions } from './types.ts';
import { watchSession } from './watch-session.ts';

export interface UsedSession extends Snapshot, Pick<SessionWatch, 'sendPassword' | 'resume' | 'startOver' | 'serverNow'> {}

const NONE: Snapshot = { session: null, connection: { status: 'closed' } };
const START: Snapshot = { session: null, connection: { status: 'connecting' } };

const NOTHING_OPEN: CallResult = {
  ok: false,
  error: {
    code: 'unavailable',
    detail: 'no session is watched here yet; call this from an event, after the first render',
    retryable: true,
  },
};

/**
 * Watches one session while the component is mounted. Another `url` or `ticket` opens a new watch.
 * A change of `visible` or `renewTicket` takes effect at once; a change of any other option does
 * not, until a new watch opens. On a server it renders with the status `connecting`.
 *
 * @example
 * const { session, sendPassword } = useSession({ url: 'https://qrcast.example.com', ticket });
 *
 * @param options null watches nothing
 * @throws {TypeError} to the nearest error boundary, if an option is wrong
 */
export function useSession(options: WatchOptions | null): UsedSession {
  const key = options === null ? null : `${options.ticket} ${options.url}`;
  const [open, setOpen] = useState<{ readonly key: string; readonly watch: SessionWatch } | null>(null);
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });

  useEffect(() => {
    const { current } = latest;
    if (key === null || current === null) return undefined;
    const watch = watchSession({
      ...current,
      ...(current.renewTicket === undefined ? {} : { renewTicket: () => (latest.current?.renewTicket ?? renewNone)() }),
    });
    setOpen({ key, watch });
    return () => {
      watch.close();
      setOpen(null);
    };
  }, [key]);

  // Until the effect has run, the open watch may still be the previous ticket's.
  const watch = open?.key === key ? open.watch : null;
  const visible = options?.visible;
  useEffect(() => {
    if (visible !== undefined) watch?.setVisible(visible);
  }, [watch, visible]);

  const subscribe = useCallback((onChange: () => void) => watch?.subscribe(onChange) ?? (() => undefined), [watch]);
  const start = key === null ? NONE : START;
  const { session, connection } = useSyncExternalStore(
    subscribe,
    () => watch?.snapshot ?? start,
    () => start,
  );
  const sendPassword = useCallback(async (password: string) => watch?.sendPassword(password) ?? NOTHING_OPEN, [watch]);
  const resume = useCallback(async () => watch?.resume() ?? NOTHING_OPEN, [watch]);
  const startOver = useCallback(async () => watch?.startOver() ?? NOTHING_OPEN, [watch]);
  const serverNow = useCallback(() => watch?.serverNow() ?? null, [watch]);
  return { session, connection, sendPassword, resume, startOver, serverNow };
}

async function renewNone(): Promise<never> {
  throw new TypeError('useSession: options.renewTicket was set when the watch began and is now missing; keep it set');
}
