/** For tests: a watch whose snapshots, clock and answers the test sets, and sessions to give it. */

import type { CallResult, Code, Connection, Session, SessionWatch, Snapshot, WatchOptions } from '@qrcast/client/types';

export const NOW = 1_790_000_000_000;
export const TEXT = 'https://max.ru/:auth/123e4567-e89b-42d3-a456-426614174000';
export const IMAGE = 'data:image/png;base64,AAAA';
export const CODE: Code = { image: IMAGE, text: TEXT, issuedAt: NOW, staleAt: NOW + 20_000 };

export const WAITING: Session = {
  id: 'ses_1',
  instanceId: '1101000001',
  reference: null,
  version: 3,
  state: 'waiting',
  code: null,
  notice: null,
  account: null,
  end: null,
  viewers: 1,
  locale: null,
  returnUrl: null,
  startedAt: NOW,
  deadlineAt: NOW + 180_000,
  expiresAt: NOW + 3_600_000,
  serverNow: NOW,
};
export const SHOWING: Session = { ...WAITING, state: 'showing', code: CODE };
export const PASSWORD: Session = { ...WAITING, state: 'password' };
export const CONNECTED: Session = { ...WAITING, state: 'connected', account: { wid: null, phone: '79001234567' } };
export const DEADLINE: Session = { ...WAITING, state: 'ended', end: { reason: 'deadline', resumable: true } };
export const CANCELLED: Session = { ...WAITING, state: 'ended', end: { reason: 'cancelled', resumable: false } };

export const OPEN: Connection = { status: 'open', transport: 'websocket' };
export const LOST: Connection = { status: 'retrying', code: null, retryAt: NOW + 1_000 };

export interface TestWatch extends SessionWatch {
  readonly options: WatchOptions;
  readonly isClosed: boolean;
  readonly passwords: readonly string[];
  readonly resumes: number;
  readonly startOvers: number;
  /** What `setVisible` was called with. */
  readonly visible: readonly (boolean | null)[];
  /** Sets the session. The connection is open unless another one is given. */
  tell(session: Session | null, connection?: Connection): void;
  setNow(now: number): void;
  /** Answers the call that is under way. */
  answer(result: CallResult): Promise<void>;
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one object: its getters and calls share the state that the test sets.
export function createTestWatch(options: WatchOptions): TestWatch {
  const listeners = new Set<() => void>();
  const passwords: string[] = [];
  const visible: (boolean | null)[] = [];
  let snapshot: Snapshot = { session: null, connection: { status: 'connecting' } };
  let now: number | null = null;
  let isClosed = false;
  let resumes = 0;
  let startOvers = 0;
  let call = Promise.withResolvers<CallResult>();

  return {
    options,
    passwords,
    visible,
    get snapshot() {
      return snapshot;
    },
    get isClosed() {
      return isClosed;
    },
    get resumes() {
      return resumes;
    },
    get startOvers() {
      return startOvers;
    },
    tell(session, connection = OPEN) {
      now ??= session?.serverNow ?? null;
      snapshot = { session, connection };
      for (const listener of listeners) listener();
    },
    setNow(next) {
      now = next;
    },
    async answer(result) {
      const answered = call;
      call = Promise.withResolvers();
      answered.resolve(result);
      await answered.promise;
    },
    subscribe(onChange) {
      listeners.add(onChange);
      return () => void listeners.delete(onChange);
    },
    serverNow: () => now,
    sendPassword(password) {
      passwords.push(password);
      return call.promise;
    },
    resume() {
      resumes++;
      return call.promise;
    },
    startOver() {
      startOvers++;
      return call.promise;
    },
    close() {
      isClosed = true;
    },
    setVisible: (isVisible) => void visible.push(isVisible),
    on: () => unused('on'),
    [Symbol.asyncIterator]: () => unused('the iterator'),
  };
}

function unused(name: string): never {
  throw new Error(`the element was not expected to use ${name}`);
}
