/** A plain WebSocket, subprotocol `qrcast.v1`. The ticket goes into the first frame, never into the URL. */

import { closedByNumber, LOST, parseClosed, parseDraining } from '../closed.ts';
import { isFresh, isObject, isSession, parseJson } from '../messages.ts';
import { startTimer } from '../timer.ts';
import type { Closed, OpenRequest, Transport, TransportConnection, TransportHandlers } from '../types.ts';

/** A page sees no pings of the protocol, and a dead connection looks like a quiet one: so it asks by itself. */
const PING_EVERY_MS = 25_000;
const PONG_WITHIN_MS = 10_000;
/** The gateway closes after most refusals, under a number that may say more: so long that is waited for. */
const CLOSE_WITHIN_MS = 1_000;

const SUBPROTOCOL = 'qrcast.v1';
/** Of `subscribe`: its answer is the only one that is looked at. */
const REF = 1;

/** Not in Node before 22. */
export function hasWebSocket(): boolean {
  return typeof WebSocket === 'function';
}

export function webSocket(): Transport {
  return { name: 'websocket', open: openWebSocket };
}

function openWebSocket(request: OpenRequest, handlers: TransportHandlers): TransportConnection {
  let { visible } = request;
  let isOver = false;
  let isOpen = false;
  /** What it ends with if its close says nothing. */
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

  function handleClose(number: number): void {
    const closed = closedByNumber(number);
    if (closed.code === null) end(said);
    // The words are narrower than the number, except about the ticket: `origin_not_allowed` closes as 4503, an expired ticket as 4506.
    else if (refusal !== null && refusal.code !== 'unauthenticated') end(refusal);
    else end({ ...said, code: closed.code, retryable: closed.retryable });
  }

  /** Any frame proves that somebody is there. */
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
    // Without a mark before that answer: the gateway takes nobody in.
    if (type === 'error' && (ref === REF || !isOpen)) handleRefusal(error);
  }

  if (socket === null) queueMicrotask(() => end(LOST));
  socket?.addEventListener('open', () => {
    const { ticket, formats, after } = request;
    if (!visible) send({ type: 'visible', visible }); // first: a subscription that begins visible starts the polls
    send({ type: 'subscribe', ref: REF, ticket, ...(formats === undefined ? {} : { formats }), ...(after > 0 ? { after } : {}) });
    if (!isOver) expectFrames();
  });
  socket?.addEventListener('message', ({ data }) => {
    const frame = typeof data === 'string' ? parseJson(data) : null;
    if (isObject(frame) && !isOver && refusal === null) handleFrame(frame);
  });
  socket?.addEventListener('close', ({ code }) => handleClose(code));

  return {
    setVisible(isVisible) {
      visible = isVisible;
      send({ type: 'visible', visible });
    },
    close,
  };
}

/** Null where the page may not: from https there is no way to http. */
function connect(url: string): WebSocket | null {
  try {
    return new WebSocket(`${url.replace(/^http/, 'ws')}/v1/ws`, SUBPROTOCOL);
  } catch {
    return null; // SecurityError
  }
}
