/**
 * The ticket comes in the fragment, which no server or referrer log sees, and leaves the address bar at once: out of screenshots, shared
 * links and the way back. (A browser may still note the first address in files of its own.) It is kept in memory and in sessionStorage,
 * without which a reload would find no ticket any more. sessionStorage ends with the tab; localStorage would leave a credential on a machine
 * that may be shared.
 */

const TICKET = 'qrcast.ticket';
const FINISHED = 'qrcast.finished';

/** Null if the page was opened without a ticket; `finished` if a ticket of this tab has done its work, so that a reload can say so. */
export type Held = { readonly ticket: string } | 'finished' | null;

export function takeTicket(): Held {
  const ticket = location.hash.slice(1);
  if (ticket !== '') {
    history.replaceState(null, '', location.pathname + location.search);
    keep(TICKET, ticket);
    forget(FINISHED);
    return { ticket };
  }
  const kept = withStorage((storage) => storage.getItem(TICKET));
  if (kept !== null) return { ticket: kept };
  return withStorage((storage) => storage.getItem(FINISHED)) === null ? null : 'finished';
}

/** For a ticket that opens nothing any more. */
export function forgetTicket(): void {
  forget(TICKET);
}

/** For a ticket whose session is final. */
export function finishTicket(): void {
  forget(TICKET);
  keep(FINISHED, 'yes');
}

function keep(key: string, value: string): void {
  withStorage((storage) => storage.setItem(key, value));
}

function forget(key: string): void {
  withStorage((storage) => storage.removeItem(key));
}

function withStorage<T>(use: (storage: Storage) => T): T | null {
  try {
    return use(sessionStorage);
  } catch {
    // SecurityError or QuotaExceededError: storage is blocked or full. The page works without, only not after a reload.
    return null;
  }
}
