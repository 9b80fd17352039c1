/**
 * Tells the page that opened the hosted page, or shows it in a frame, how the login ended: by `postMessage`, to the exact origins that the
 * tenant allows. The browser delivers it only if the other page has that very origin; with an empty list nobody is told.
 */

import type { LoginResultMessage, Session } from '@qrcast/client/types';

export interface Host {
  /** Asks for the origins, so that they are there when the login ends. May be called with each state. */
  prepare(sessionId: string): void;
  /** A session that is connected or ended; any other is not told. */
  tell(session: Session): void;
}

export interface HostDeps {
  /** The page that opened this one, and the one around it. */
  readonly windows: readonly Pick<Window, 'postMessage'>[];
  /** Of the tenant of this session. Rejects if they cannot be had now. */
  readonly originsOf: (sessionId: string) => Promise<readonly string[]>;
}

export function createHost({ windows, originsOf }: HostDeps): Host {
  let known: { readonly sessionId: string; readonly origins: Promise<readonly string[]> } | null = null;

  function origins(sessionId: string): Promise<readonly string[]> {
    if (known?.sessionId === sessionId) return known.origins;
    const asked = { sessionId, origins: originsOf(sessionId) };
    known = asked;
    asked.origins.catch(() => {
      if (known === asked) known = null; // the next one asks again
    });
    return asked.origins;
  }

  async function send(message: LoginResultMessage): Promise<void> {
    // A second try: what was asked when the login began may have met a gateway that was just stopping.
    const allowed = await origins(message.sessionId).catch(() => origins(message.sessionId));
    for (const origin of allowed) for (const window of windows) post(window, message, origin);
  }

  return {
    prepare(sessionId) {
      if (windows.length > 0) origins(sessionId).catch(() => undefined); // asked again when there is something to tell
    },
    tell(session) {
      const message = toMessage(session);
      if (windows.length > 0 && message !== null) send(message).catch(() => undefined); // the network is gone; the backend's callback is certain
    },
  };
}

/** The windows of other pages that this one can reach. */
export function hostWindows(self: Window): readonly Window[] {
  const opener = self.opener as Window | null;
  return [opener, self.parent].filter((other): other is Window => other !== null && other !== self);
}

/** No more than the host needs to go on: it asks its own backend for the rest. */
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
    // TypeError: no address. SyntaxError: the browser takes it for none.
  }
}

/** As browsers compare them. Of an app's scheme (`capacitor://localhost`) not every browser knows an origin; it stays as it is. */
function exactOrigin(allowed: string): string | null {
  const { origin } = new URL(allowed);
  if (origin !== 'null') return origin;
  return /^[a-z][a-z\d+.-]*:\/\/[^/*]+$/i.test(allowed) ? allowed : null;
}
