/**
 * One login: the state of its watch, and the last call that the person made. `model` is one
 * immutable value, replaced with each change. The password passes through and is not kept.
 */

import type { CallResult, Connection, Session, SessionWatch, WatchOptions } from '@qrcast/client/types';

export type OpenWatch = (options: WatchOptions) => SessionWatch;

/** A call that the person made. */
export type Call =
  | { readonly kind: 'none' }
  | { readonly kind: 'sending' }
  /** The gateway accepted the call, and the session has not changed yet. */
  | { readonly kind: 'accepted' }
  /** `code`: an error code of the protocol. */
  | { readonly kind: 'failed'; readonly code: string };

export interface Asked {
  readonly call: Call;
  /**
   * Another call cannot succeed before this time of the server's clock. Null: it may be made at any
   * time.
   */
  readonly callableAt: number | null;
}

/**
 * `call` and `callableAt` are of the last password or the last new attempt, whichever came later.
 */
export interface Model extends Asked {
  readonly session: Session | null;
  readonly connection: Connection;
  /** The call for a new code instead of the password. */
  readonly startOver: Asked;
  /**
   * The full length of the countdown: the longest remaining time, in ms, with which this code
   * arrived.
   */
  readonly lifetimeMs: number;
}

const UNASKED: Asked = { call: { kind: 'none' }, callableAt: null };

export const START: Model = {
  ...UNASKED,
  session: null,
  connection: { status: 'connecting' },
  startOver: UNASKED,
  lifetimeMs: 0,
};

export interface Login {
  readonly model: Model;
  /** Unix ms on the server's clock; null while that is unknown. */
  serverNow(): number | null;
  sendPassword(password: string): Promise<CallResult>;
  resume(): Promise<CallResult>;
  startOver(): Promise<CallResult>;
  /** See `SessionWatch.setVisible`. */
  setVisible(visible: boolean | null): void;
  /** Can be called again. `onChange` is not called afterwards. */
  close(): void;
}

export interface LoginDeps {
  readonly openWatch: OpenWatch;
  readonly onChange: (model: Model) => void;
}

/** @throws {TypeError} from `openWatch`, for options that it cannot use */
export function openLogin({ openWatch, onChange }: LoginDeps, options: WatchOptions): Login {
  const watch = openWatch(options);
  let model = withSnapshot(START, watch);
  let isClosed = false;

  function become(next: Model): void {
    if (isClosed || next === model) return;
    model = next;
    onChange(model);
  }

  async function ask(part: Part, send: () => Promise<CallResult>): Promise<CallResult> {
    const asked = model.session;
    become(withAsked(model, part, { ...askedOf(model, part), call: { kind: 'sending' } }));
    const result = await attempt(send);
    // If the session has changed in the meantime, success has nothing to wait for, and a failure
    // belongs to another screen.
    const { session } = model;
    const isSame = isDone(result) ? session?.version === asked?.version : session?.state === asked?.state;
    if (isSame) become(withAsked(model, part, withResult(askedOf(model, part), result, watch.serverNow())));
    return result;
  }

  const unsubscribe = watch.subscribe(() => become(withSnapshot(model, watch)));
  return {
    get model() {
      return model;
    },
    serverNow: () => watch.serverNow(),
    sendPassword: (password) => ask('step', () => watch.sendPassword(password)),
    resume: () => ask('step', () => watch.resume()),
    startOver: () => ask('startOver', () => watch.startOver()),
    setVisible: (visible) => watch.setVisible(visible),
    close() {
      isClosed = true;
      unsubscribe();
      watch.close();
    },
  };
}

/** The result of a call while there is no login. */
export function noLogin(code: string): CallResult {
  return {
    ok: false,
    error: { code, detail: 'expected a login that is being watched; give the element a ticket first', retryable: false },
  };
}

/** A watch rejects only if this browser lacks something that it needs. */
async function attempt(send: () => Promise<CallResult>): Promise<CallResult> {
  try {
    return await send();
  } catch (error) {
    return { ok: false, error: { code: 'unknown', detail: String(error), retryable: false } };
  }
}

/**
 * Whether the session will change next. That is also so if the call came too late, because the
 * login was completed, or somebody else left the password step.
 */
function isDone(result: CallResult): boolean {
  return result.ok || result.error.code === 'not_waiting_for_password';
}

type Part = 'step' | 'startOver';

function askedOf(model: Model, part: Part): Asked {
  return part === 'step' ? model : model.startOver;
}

function withAsked(model: Model, part: Part, { call, callableAt }: Asked): Model {
  return part === 'step' ? { ...model, call, callableAt } : { ...model, startOver: { call, callableAt } };
}

function withSnapshot(model: Model, { snapshot, serverNow }: Pick<SessionWatch, 'snapshot' | 'serverNow'>): Model {
  const { session, connection } = snapshot;
  const isMoved = session?.version !== model.session?.version;
  const isSameState = session?.state === model.session?.state;
  const follow = ({ call, callableAt }: Asked): Asked => {
    // After a reconnect the same version may arrive again, so an accepted call stops waiting when
    // the connection is lost.
    const isOver = isMoved || (connection.status === 'retrying' && call.kind === 'accepted');
    return { call: isOver ? { kind: 'none' } : call, callableAt: isSameState ? callableAt : null };
  };
  const leftMs = session?.code ? session.code.staleAt - (serverNow() ?? session.serverNow) : 0;
  return {
    ...follow(model),
    session,
    connection,
    startOver: follow(model.startOver),
    lifetimeMs: session?.code?.issuedAt === model.session?.code?.issuedAt ? Math.max(model.lifetimeMs, leftMs) : leftMs,
  };
}

/** @param now Unix ms on the server's clock */
function withResult(asked: Asked, result: CallResult, now: number | null): Asked {
  if (result.ok || isDone(result)) return { ...asked, call: { kind: 'accepted' } };
  const { code, retryAfterMs } = result.error;
  const callableAt = retryAfterMs === undefined || now === null ? asked.callableAt : now + retryAfterMs;
  return { call: { kind: 'failed', code }, callableAt };
}
