/**
 * Tells the page that opened or framed the hosted page how the login ended, by `postMessage` to the
 * exact origins that the tenant allows. The browser delivers the message only if the other page has
 * that origin. If the tenant allows no origins, nobody is told.
 */

import type { LoginResultMessage, Session } from '@qrcast/client/types';

export interface Host {
  /**
   * Requests the origins, so that they are known when the login ends. May be called with each
   * state.
   */
  prepare(sessionId: string): void;
  /** Does nothing unless the session is connected or ended. */
  tell(session: Session): void;
}

export interface HostDeps {
  /** The page that opened this one, and the one around it. */
  readonly windows: readonly Pick<Window, 'postMessage'>[];
  /** The origins that the tenant of this session allows. Rejects if the gateway does not answer. */
  readonly originsOf: (sessionId: string) => Promise<readonly string[]>;
}

export function createHost({ windows, originsOf }: HostDeps): Host {
  let known: { readonly sessionId: string; readonly origins: Promise<readonly string[]> } | null = null;

  function origins(sessionId: string): Promise<readonly string[]> {
    if (known?.sessionId === sessionId) return known.origins;
    const asked = { sessionId, origins: originsOf(sessionId) };
    known = asked;
    asked.origins.catch(() => {
      if (known === asked) known = null; // the next call requests them again
    });
    return asked.origins;
  }

  async function send(message: LoginResultMessage): Promise<void> {
    // A second try, because the request at the beginning of the login may have reached a gateway
    // that was stopping.
    const allowed = await origins(message.sessionId).catch(() => origins(message.sessionId));
    for (const origin of allowed) for (const window of windows) post(window, message, origin);
  }

  return {
    prepare(sessionId) {
      if (windows.length > 0) origins(sessionId).catch(() => undefined); // requested again when there is something to tell
    },
    tell(session) {
      const message = toMessage(session);
      if (windows.length > 0 && message !== null) send(message).catch(() => undefined); // the network is down; the backend still gets its callback
    },
  };
}

/** The windows of other pages that this one can reach. */
export function hostWindows(self: Window): readonly Window[] {
  const opener = self.opener as Window | null;
  return [opener, self.parent].filter((other): other is Window => other !== null && other !== self);
}

/** Contains only what the host page needs to go on. It gets the rest from its own backend. */
function toMessage({ id, state, end }: Session): LoginResultMessage | null {
  if (state !== 'connected' && state !== 'ended') return null;
  return {
    type: 'qrcast.result',
    version: 1,
    sessionId: id,
    state,
    endReason: end?.reason ?? null,
    resumable: end?.resumable === true,
  };
}

function post(window: Pick<Window, 'postMessage'>, message: LoginResultMessage, allowed: string): void {
  try {
    const origin = exactOrigin(allowed);
    if (origin !== null) window.postMessage(message, origin);
  } catch {
    // TypeError: `allowed` is not an address. SyntaxError: the browser does not accept it as an
    // origin.
  }
}

/**
 * The origin as browsers compare it; null if it is none. Some browsers know no origin for the
 * scheme of an app (`capacitor://localhost`), so such an address is used unchanged.
 */
function exactOrigin(allowed: string): string | null {
  const { origin } = new URL(allowed);
  if (origin !== 'null') return origin;
  return /^[a-z][a-z\d+.-]*:\/\/[^/*]+$/i.test(allowed) ? allowed : null;
}
