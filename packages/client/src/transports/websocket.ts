/**
 * A plain WebSocket, subprotocol `qrcast.v1`. The ticket goes into the first frame, never into the
 * URL.
 */

import { closedByNumber, LOST, parseClosed, parseDraining } from '../closed.ts';
import { isFresh, isObject, isSession, parseJson } from '../messages.ts';
import { startTimer } from '../timer.ts';
import type { Closed, OpenRequest, Transport, TransportConnection, TransportHandlers } from '../types.ts';

/**
 * Pages cannot see WebSocket pings, so a dead connection looks like an idle one. After this time
 * without a frame the client sends a `ping`.
 */
const PING_EVERY_MS = 25_000;
const PONG_WITHIN_MS = 10_000;
/**
 * After most refusals the gateway closes with a number that may say more. The client waits this
 * long for it.
 */
const CLOSE_WITHIN_MS = 1_000;

const SUBPROTOCOL = 'qrcast.v1';
/** The `ref` of `subscribe`, which is the only call whose answer the client reads. */
const REF = 1;

/** Node before 22 has none. */
export function hasWebSocket(): boolean {
  return typeof WebSocket === 'function';
}

export function webSocket(): Transport {
  return { name: 'websocket', open: openWebSocket };
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: its handlers share the state and the timer of the one socket.
function openWebSocket(request: OpenRequest, handlers: TransportHandlers): TransportConnection {
  let { visible } = request;
  let isOver = false;
  let isOpen = false;
  /** How the connection ends if the close number gives no reason. */
  let said = LOST;
  let refusal: Closed | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const socket = connect(request.url);

  function send(frame: object): void {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
  }

  function close(): void {
    isOver = true;
    clearTimeout(timer);
    socket?.close();
  }

  function end(closed: Closed): void {
    if (isOver) return;
    close();
    handlers.onClosed(closed);
  }

  /** Every frame proves that the connection is alive. */
  function expectFrames(): void {
    clearTimeout(timer);
    timer = startTimer(() => {
      send({ type: 'ping' });
      timer = startTimer(() => end(said), PONG_WITHIN_MS);
    }, PING_EVERY_MS);
  }

  function handleRefusal(error: unknown): void {
    refusal = parseClosed(error) ?? LOST;
    said = refusal;
    clearTimeout(timer);
    timer = startTimer(() => end(said), CLOSE_WITHIN_MS);
  }

  function handleFrame(frame: Partial<Record<string, unknown>>): void {
    expectFrames();
    const { type, session, ref, error } = frame;
    if (type === 'ok' && ref === REF && !isOpen) {
      isOpen = true;
      handlers.onOpen();
    }
    if (type === 'session' && isSession(session)) handlers.onSession(session);
    if (type === 'fresh' && isFresh(frame)) handlers.onFresh(frame);
    if (type === 'draining') said = parseDraining(frame);
    // An error without a `ref` before the answer: the gateway accepts no connections.
    if (type === 'error' && (ref === REF || !isOpen)) handleRefusal(error);
  }

  if (socket === null) queueMicrotask(() => end(LOST));
  socket?.addEventListener('open', () => {
    if (!visible) send({ type: 'visible', visible }); // before `subscribe`, because a visible subscription starts the polls
    send(subscribeFrame(request));
    if (!isOver) expectFrames();
  });
  socket?.addEventListener('message', ({ data }) => {
    const frame = typeof data === 'string' ? parseJson(data) : null;
    if (isObject(frame) && !isOver && refusal === null) handleFrame(frame);
  });
  socket?.addEventListener('close', ({ code }) => end(closedBy(code, said, refusal)));

  return {
    setVisible(isVisible) {
      visible = isVisible;
      send({ type: 'visible', visible });
    },
    close,
  };
}

/** @param number of the close event */
function closedBy(number: number, said: Closed, refusal: Closed | null): Closed {
  const { code, retryable } = closedByNumber(number);
  if (code === null) return said;
  // The refusal's code is more exact than the number (`origin_not_allowed` closes as 4503), except
  // about the ticket (an expired one closes as 4506).
  return refusal !== null && refusal.code !== 'unauthenticated' ? refusal : { ...said, code, retryable };
}

function subscribeFrame({ ticket, formats, after }: OpenRequest): object {
  return { type: 'subscribe', ref: REF, ticket, ...(formats === undefined ? {} : { formats }), ...(after > 0 ? { after } : {}) };
}

/** Returns null if the page may not connect, as from https to http. */
function connect(url: string): WebSocket | null {
  try {
    return new WebSocket(`${url.replace(/^http/, 'ws')}/v1/ws`, SUBPROTOCOL);
  } catch {
    return null; // SecurityError
  }
}
