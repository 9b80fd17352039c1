/** For tests: follows a login over a scripted watch. */

import type { CallResult, EndReason, Session, SessionWatch, Snapshot } from '@qrcast/client/types';
import { followLogin } from '../src/login/follow.ts';
import type { Passwords } from '../src/login/secrets.ts';
import type { PasswordPrompt } from '../src/login/view.ts';

const OPEN = { status: 'open', transport: 'websocket' } as const;
export const OK: CallResult = { ok: true };

export function refused(code: string, retryable: boolean, retryAfterMs?: number): CallResult {
  return {
    ok: false,
    error: { code, detail: 'the words of the gateway', retryable, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
  };
}

/**
 * A watch that shows what the test wants. Calls to it get the answers in order, and then always the
 * last one.
 */
export function scripted(answers: readonly CallResult[] = [OK]) {
  const left = [...answers];
  const sent: string[] = [];
  let snapshot: Snapshot = { session: null, connection: OPEN };
  const looking = new Set<() => void>();
  const answer = async (call: string): Promise<CallResult> => {
    sent.push(call);
    return (left.length > 1 ? left.shift() : left[0]) ?? OK;
  };
  const watch: Pick<SessionWatch, 'snapshot' | 'on' | 'sendPassword' | 'resume' | 'startOver'> = {
    get snapshot() {
      return snapshot;
    },
    on(_type, listener) {
      const look = (): void => listener(undefined as never); // followLogin only reads the snapshot
      looking.add(look);
      return () => void looking.delete(look);
    },
    sendPassword: answer,
    resume: () => answer('resume'),
    startOver: () => answer('start over'),
  };
  return {
    watch,
    sent,
    show(fields: Partial<Session>, connection: Snapshot['connection'] = OPEN) {
      // Only the fields that followLogin reads.
      snapshot = { session: { state: 'waiting', version: 1, account: null, end: null, ...fields } as Session, connection };
      for (const look of looking) look();
    },
  };
}

export const ended = (reason: EndReason, resumable = false): Partial<Session> => ({ state: 'ended', end: { reason, resumable } });

const delay = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });

export function follow({ watch }: ReturnType<typeof scripted>, typed: string[] = [], signal = new AbortController().signal) {
  const prompts: (PasswordPrompt | 'typed unseen' | null)[] = [];
  const passwords: Passwords = {
    given: () => null,
    forgetGiven: () => undefined,
    prepare: () => void prompts.push('typed unseen'),
    next: async () => typed.shift() ?? null,
  };
  const view = { password: (prompt: PasswordPrompt | null) => void prompts.push(prompt) };
  const ending = followLogin({ watch, view, passwords, delay }, { timeoutSeconds: 600, endsAt: Date.now() + 600_000, signal });
  ending.catch(() => undefined); // the test looks at it later
  return { ending, prompts };
}
