/**
 * Watches one session: `watchSession({ url, ticket })`. This module keeps one immutable snapshot,
 * which is the newest state and the connection, and tells the listeners when it changes. A final
 * state, a refusal and `close()` end everything: no timer, connection or code is left.
 */

import { createCalls } from './calls.ts';
import { createServerClock } from './clock.ts';
import { keepConnected } from './keep-connected.ts';
import { isPageVisible, listenToPage } from './page-events.ts';
import { parseOptions } from './parse-options.ts';
import { createRequestPace } from './request-pace.ts';
import { createShownSession } from './shown-session.ts';
import { isFinal } from './told.ts';
import type { Connection, Session, SessionWatch, Snapshot, WatchEvent, WatchOptions } from './types.ts';
import { createListeners } from './watch-events.ts';

export { isFinal };

/** How often to compare the clocks. No event says that a machine slept, but its clocks show it. */
const WAKE_CHECK_MS = 1_000;

const CLOSED: Connection = { status: 'closed' };

/**
 * Watches one session. It connects in the next microtask and reconnects until the session is final,
 * the gateway refuses for good, or `close()` is called.
 *
 * @example
 * const watch = watchSession({ url: 'https://qrcast.example.com', ticket });
 * watch.subscribe(() => {
 *   picture.src = watch.snapshot.session?.code?.image ?? '';
 * });
 *
 * @throws {TypeError} if an option is wrong. The message names the option but never its value
 */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: long because it connects the parts to each other; each part is a module of its own.
export function watchSession(options: WatchOptions): SessionWatch {
  const { signal, ...settings } = parseOptions(options);
  const listeners = createListeners();
  const clock = createServerClock({ monotonic: () => performance.now(), wall: () => Date.now() });
  let snapshot: Snapshot = { session: null, connection: { status: 'connecting' } };
  let isOver = false;
  let followsPage = settings.visible === undefined;

  const shown = createShownSession({
    clock,
    onChange(type, session) {
      if (type === 'session' && isFinal(session)) finish(session);
      else change({ ...snapshot, session }, { type, data: session });
    },
  });
  const pace = createRequestPace();
  const connection = keepConnected(
    { ...settings, pace, visible: settings.visible ?? isPageVisible() },
    {
      // After a sleep the server's time is unknown until a complete state arrives, so ask for one.
      after: () => (clock.isSuspect() ? 0 : shown.version()),
      onConnection: handleConnection,
      onSession: shown.tell,
      onFresh: shown.renew,
    },
  );
  const calls = createCalls({ url: settings.url, ticket: connection.ticket, pace });
  const heartbeat = setInterval(wake, WAKE_CHECK_MS);
  const leavePage = listenToPage({
    onWake: wake,
    onOnline: () => connection.hurry('online'),
    onVisible(isVisible) {
      if (followsPage) connection.setVisible(isVisible);
      if (isVisible) connection.hurry('look'); // browsers delay the timers of a hidden page
    },
  });
  if (signal?.aborted) close();
  else signal?.addEventListener('abort', close);

  function change(next: Snapshot, ...events: WatchEvent[]): void {
    snapshot = next;
    listeners.tell(...events);
  }

  function handleConnection(next: Connection): void {
    if (next.status === 'open') clock.restart();
    if (next.status === 'refused') stop();
    change({ ...snapshot, connection: next }, { type: 'connection', data: next });
    if (next.status === 'refused') listeners.end();
  }

  function finish(session: Session): void {
    stop();
    change(
      { session, connection: CLOSED },
      { type: 'session', data: session },
      { type: 'connection', data: CLOSED },
      { type: 'final', data: session },
    );
    listeners.end();
  }

  function wake(): void {
    shown.check();
    if (clock.isSuspect()) connection.reconnect();
  }

  function stop(): void {
    isOver = true;
    clearInterval(heartbeat);
    leavePage();
    signal?.removeEventListener('abort', close);
    connection.close();
    shown.close();
  }

  function close(): void {
    calls.close();
    if (isOver) return;
    stop();
    change({ ...snapshot, connection: CLOSED }, { type: 'connection', data: CLOSED });
    listeners.end();
  }

  return {
    get snapshot() {
      return snapshot;
    },
    subscribe: listeners.subscribe,
    on: listeners.on,
    serverNow: clock.now,
    sendPassword: calls.sendPassword,
    resume: calls.resume,
    startOver: calls.startOver,
    setVisible(visible) {
      followsPage = visible === null;
      connection.setVisible(visible ?? isPageVisible());
    },
    close,
    [Symbol.asyncIterator]: () => listeners.iterate([...currentEvents(snapshot)]),
  };
}

/** The events from which a new reader learns the current state. */
function* currentEvents({ session, connection }: Snapshot): Generator<WatchEvent> {
  yield { type: 'connection', data: connection };
  if (session === null) return;
  yield { type: 'session', data: session };
  if (isFinal(session)) yield { type: 'final', data: session };
}
