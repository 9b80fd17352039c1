/**
 * One login: what the watch of its session tells, and what the person asked for last. `model` is one immutable value, a new one for each
 * change. The password passes through and is kept nowhere.
 */

import type { CallResult, Connection, Session, SessionWatch, WatchOptions } from '@qrcast/client/types';

export type OpenWatch = (options: WatchOptions) => SessionWatch;

/** The password or a new code, whichever was asked for last. `code` of a failure: an error code of the protocol. */
export type Call =
  | { readonly kind: 'none' }
  | { readonly kind: 'sending' }
  /** The session has not changed yet; it will. */
  | { readonly kind: 'accepted' }
  | { readonly kind: 'failed'; readonly code: string };

export interface Model {
  readonly session: Session | null;
  readonly connection: Connection;
  readonly call: Call;
  /** Before this moment of the server's clock another call is of no use; null if any time will do. */
  readonly callableAt: number | null;
  /** The longest time, in ms, that a code was still good for when we heard of it: the full length of the countdown. */
  readonly lifetimeMs: number;
}

export const START: Model = {
  session: null,
  connection: { status: 'connecting' },
  call: { kind: 'none' },
  callableAt: null,
  lifetimeMs: 0,
};

export interface Login {
  readonly model: Model;
  /** Unix ms by the server's clock; null while that is unknown. */
  serverNow(): number | null;
  sendPassword(password: string): Promise<CallResult>;
  resume(): Promise<CallResult>;
  /** As `SessionWatch.setVisible`. */
  setVisible(visible: boolean | null): void;
  /** Idempotent; nothing is told afterwards. */
  close(): void;
}

export interface LoginDeps {
  readonly openWatch: OpenWatch;
  readonly onChange: (model: Model) => void;
}

/** @throws {TypeError} from `openWatch`, for options it cannot use */
export function openLogin({ openWatch, onChange }: LoginDeps, options: WatchOptions): Login {
  const watch = openWatch(options);
  let model = withSnapshot(START, watch);
  let isClosed = false;

  function become(next: Model): void {
    if (isClosed || next === model) return;
    model = next;
    onChange(model);
  }

  async function ask(send: () => Promise<CallResult>): Promise<CallResult> {
    const asked = model.session;
    become({ ...model, call: { kind: 'sending' } });
    const result = await send();
    // The session may have moved on meanwhile: then success has nothing to wait for, and a failure belongs to another screen.
    const { session } = model;
    const isSame = result.ok ? session?.version === asked?.version : session?.state === asked?.state;
    if (isSame) become(withResult(model, result, watch.serverNow()));
    return result;
  }

  const unsubscribe = watch.subscribe(() => become(withSnapshot(model, watch)));
  return {
    get model() {
      return model;
    },
    serverNow: () => watch.serverNow(),
    sendPassword: (password) => ask(() => watch.sendPassword(password)),
    resume: () => ask(() => watch.resume()),
    setVisible: (visible) => watch.setVisible(visible),
    close() {
      isClosed = true;
      unsubscribe();
      watch.close();
    },
  };
}

function withSnapshot(model: Model, { snapshot, serverNow }: Pick<SessionWatch, 'snapshot' | 'serverNow'>): Model {
  const { session, connection } = snapshot;
  const isMoved = session?.version !== model.session?.version;
  // After a reconnect the same version may come again, so a call that was accepted before it waits no longer.
  const isCallOver = isMoved || (connection.status === 'retrying' && model.call.kind === 'accepted');
  const leftMs = session?.code ? session.code.staleAt - (serverNow() ?? session.serverNow) : 0;
  return {
    session,
    connection,
    call: isCallOver ? { kind: 'none' } : model.call,
    callableAt: session?.state === model.session?.state ? model.callableAt : null,
    lifetimeMs: session?.code?.issuedAt === model.session?.code?.issuedAt ? Math.max(model.lifetimeMs, leftMs) : leftMs,
  };
}

/** @param now by the server's clock */
function withResult(model: Model, result: CallResult, now: number | null): Model {
  if (result.ok) return { ...model, call: { kind: 'accepted' } };
  const { code, retryAfterMs } = result.error;
  const callableAt = retryAfterMs === undefined || now === null ? model.callableAt : now + retryAfterMs;
  return { ...model, call: { kind: 'failed', code }, callableAt };
}
