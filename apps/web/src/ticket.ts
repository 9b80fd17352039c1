/**
 * The ticket comes in the fragment, which no server or referrer log sees, and leaves the address bar at once: out of screenshots, shared
 * links and the browser's history. It is kept in memory and in sessionStorage, without which a reload would find no ticket any more.
 * sessionStorage ends with the tab; localStorage would leave a credential on a machine that may be shared.
 */

const KEY = 'qrcast.ticket';

/** Null if the page was opened without a ticket. */
export function takeTicket(): string | null {
  const ticket = location.hash.slice(1);
  if (ticket === '') return withStorage((storage) => storage.getItem(KEY));
  history.replaceState(null, '', location.pathname + location.search);
  withStorage((storage) => storage.setItem(KEY, ticket));
  return ticket;
}

/** For a ticket that opens nothing any more. */
export function forgetTicket(): void {
  withStorage((storage) => storage.removeItem(KEY));
}

function withStorage<T>(use: (storage: Storage) => T): T | null {
  try {
    return use(sessionStorage);
  } catch {
    // SecurityError or QuotaExceededError: storage is blocked or full. The page works without, only not after a reload.
    return null;
  }
}
