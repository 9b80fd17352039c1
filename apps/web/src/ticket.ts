/**
 * The ticket arrives in the fragment, which no server or referrer log sees. It is removed from the
 * address bar at once, so that it is not in screenshots, shared links or the history. (A browser
 * may still store the first address in its own files.) It is kept in sessionStorage, because a
 * reload would find no ticket otherwise. sessionStorage ends with the tab. localStorage would leave
 * a credential on a machine that may be shared.
 *
 * All frames and pages of a tab share one sessionStorage, so each login has its own key there. The
 * key of `/connect/<session id>` contains that id. `/connect` has none, so the name of its key is
 * kept in the state of the page's history entry. That survives a reload, and each frame and each
 * step back has its own. The ticket itself is not in the history, which browsers keep for longer.
 */

import { decoded, mendTicket } from './mend-ticket.ts';

const TICKET = 'qrcast.ticket.';
const FINISHED = 'qrcast.finished.';

/**
 * Encoded `.` and `..` in a path. Some proxies resolve them to another address, which the browser
 * does not know.
 */
const STEPS = /[/\\]\.\.?(?![^/\\;?#])/;

/** How a login ended for good. */
export type Outcome = 'connected' | 'ended';

/**
 * Null if the page was opened without a ticket. An outcome if the login has ended for good, so that
 * a reload can show it.
 */
export type Held = { readonly ticket: string } | Outcome | null;

/**
 * The session in the address `/connect/<session id>`; null for `/connect`. This id decided who may
 * frame the page, so every spelling that the gateway and its proxies understand is accepted. Null
 * also if they may have read another id than the browser.
 */
export function addressedSession(): string | null {
  const path = decoded(location.pathname);
  return STEPS.test(path) ? null : (/\/(ses_[\w-]+)[^\w-]*$/.exec(path)?.[1] ?? null);
}

export function takeTicket(): Held {
  const ticket = mendTicket(location.hash.slice(1));
  if (ticket !== '') {
    const slot = addressedSession() ?? nameSlot();
    hideTicket(slot);
    withStorage((storage) => {
      storage.removeItem(FINISHED + slot);
      storage.setItem(TICKET + slot, ticket);
    });
    return { ticket };
  }
  const slot = ownSlot();
  const kept = slot === null ? null : withStorage((storage) => storage.getItem(TICKET + slot));
  if (kept !== null) return { ticket: kept };
  const outcome = slot === null ? null : withStorage((storage) => storage.getItem(FINISHED + slot));
  return outcome === 'connected' || outcome === 'ended' ? outcome : null;
}

/** Call when the ticket is not valid any more. */
export function forgetTicket(): void {
  const slot = ownSlot();
  if (slot !== null) withStorage((storage) => storage.removeItem(TICKET + slot));
}

/** Call when the session of the ticket is final. */
export function finishTicket(outcome: Outcome): void {
  const slot = ownSlot();
  if (slot === null) return;
  forgetTicket();
  withStorage((storage) => storage.setItem(FINISHED + slot, outcome));
}

function ownSlot(): string | null {
  const state = history.state as { readonly qrcast?: unknown } | null; // only this page writes it
  return addressedSession() ?? (typeof state?.qrcast === 'string' ? state.qrcast : null);
}

/**
 * A name that is unique in this tab; not a secret. Pages over plain HTTP have no
 * `crypto.randomUUID`.
 */
function nameSlot(): string {
  return `${Date.now().toString(36)}.${Math.random().toString(36).slice(2)}`;
}

function hideTicket(slot: string): void {
  try {
    history.replaceState({ qrcast: slot }, '', location.pathname + location.search);
  } catch {
    // SecurityError: a sandboxed frame, or Safari after a hundred reloads in a row. The page works,
    // but the ticket stays in its address.
  }
}

function withStorage<T>(use: (storage: Storage) => T): T | null {
  try {
    return use(sessionStorage);
  } catch {
    // SecurityError or QuotaExceededError: storage is blocked or full. The page works without it,
    // except after a reload.
    return null;
  }
}
