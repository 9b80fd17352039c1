/**
 * The ticket comes in the fragment, which no server or referrer log sees, and leaves the address bar at once: out of screenshots, shared
 * links and the way back. (A browser may still note the first address in files of its own.) It is kept in sessionStorage, without which a
 * reload would find no ticket any more. sessionStorage ends with the tab; localStorage would leave a credential on a machine that may be
 * shared.
 *
 * One sessionStorage serves all frames and all pages of a tab, so each login has its own slot there. The slot of `/connect/<session id>` is
 * named by that id. `/connect` names none, so the slot's name is kept in the state of the page's history entry: it survives a reload, and
 * each frame and each step back has its own. The ticket itself stays out of the history, which browsers keep for longer.
 */

import { decoded, mendTicket } from './mend-ticket.ts';

const TICKET = 'qrcast.ticket.';
const FINISHED = 'qrcast.finished.';

/** `.` and `..` that were encoded: some proxies take the step to another address, of which the browser knows nothing. */
const STEPS = /[/\\]\.\.?(?![^/\\;?#])/;

/** How a login ended for good. */
export type Outcome = 'connected' | 'ended';

/** Null if the page was opened without a ticket; an outcome if its ticket has done its work, so that a reload can say so. */
export type Held = { readonly ticket: string } | Outcome | null;

/**
 * The session that the address names: of `/connect/<session id>`. Null for `/connect`. Who may frame the page was decided by this id, so it is
 * found in whatever spelling the gateway and the proxies before it understand. None where they may have found another one.
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

/** For a ticket that opens nothing any more. */
export function forgetTicket(): void {
  const slot = ownSlot();
  if (slot !== null) withStorage((storage) => storage.removeItem(TICKET + slot));
}

/** For a ticket whose session is final. */
export function finishTicket(outcome: Outcome): void {
  const slot = ownSlot();
  if (slot === null) return;
  forgetTicket();
  withStorage((storage) => storage.setItem(FINISHED + slot, outcome));
}

function ownSlot(): string | null {
  const state = history.state as { readonly qrcast?: unknown } | null; // nobody else writes into it
  return addressedSession() ?? (typeof state?.qrcast === 'string' ? state.qrcast : null);
}

/** Unlike any other of this tab; no secret. `crypto.randomUUID` is not there on pages over plain HTTP. */
function nameSlot(): string {
  return `${Date.now().toString(36)}.${Math.random().toString(36).slice(2)}`;
}

function hideTicket(slot: string): void {
  try {
    history.replaceState({ qrcast: slot }, '', location.pathname + location.search);
  } catch {
    // SecurityError: a sandboxed frame, or Safari after a hundred reloads in a row. The page works, with the ticket in its address.
  }
}

function withStorage<T>(use: (storage: Storage) => T): T | null {
  try {
    return use(sessionStorage);
  } catch {
    // SecurityError or QuotaExceededError: storage is blocked or full. The page works without, only not after a reload.
    return null;
  }
}
