/**
 * For tests: a stock client of every transport behind one interface, to test what must hold over
 * all of them.
 */

import type { Closing } from '@qrcast/core/close-codes';
import type { Problem } from '@qrcast/core/errors';
import type { Format, WireSession } from '@qrcast/core/wire';
import { EventSource } from 'eventsource';
import { Agent, EventSource as UndiciEventSource } from 'undici';
import { WINDOW } from '../src/streams/delivery.ts';
import { createRecorder, type Told } from './recorder.ts';
import { streamContract } from './stream-contract.ts';
import { openViewer } from './viewer.ts';
import { openSocket } from './websocket.ts';

export interface StreamRequest {
  readonly url: string;
  readonly ticket: string;
  readonly formats?: readonly Format[];
  readonly after?: number;
  readonly isVisible?: boolean;
  readonly origin?: string;
}

/**
 * Why a stream ended, as far as the client can know: a code of the protocol, the number of a close
 * code, the status of an answer.
 */
export interface Ending {
  readonly code?: string;
  readonly number?: number;
  readonly status?: number;
}

export interface StreamClient {
  readonly told: Told;
  readonly ended: Promise<Ending>;
  /** Stops reading (true), or goes on (false). */
  pause(isPaused: boolean): void;
  close(): void;
}

export interface StreamTransport {
  readonly name: string;
  open(request: StreamRequest): StreamClient;
  /** Whether a confirmed code is told as `fresh`; if not, the whole state is sent. */
  readonly hasFresh: boolean;
  /** Whether it is told the reason of its end; if not, its next request is refused. */
  readonly hasClosing: boolean;
  /** Whether it can be hidden from the start. */
  readonly canHide: boolean;
  /**
   * If its client can stop reading: how large a picture must be for the server to notice, and how
   * many messages may be under way by then. The kernel holds some megabytes of an HTTP response.
   * Null if the client cannot stop.
   */
  readonly pause: { readonly pictureBytes: number; readonly mostUnderWay: number } | null;
}

const socketIo = (name: string, transports: ('websocket' | 'polling')[]): StreamTransport => ({
  name: `Socket.IO, ${name}`,
  hasFresh: true,
  hasClosing: true,
  canHide: false,
  pause: transports[0] === 'websocket' ? { pictureBytes: 10, mostUnderWay: WINDOW + 1 } : null,
  open({ url, ticket, formats, after, origin }) {
    const viewer = openViewer(url, ticket, {
      auth: { ...(formats === undefined ? {} : { formats }), ...(after === undefined ? {} : { after }) },
      transports,
      headers: origin === undefined ? {} : { origin },
    });
    return {
      told: viewer,
      ended: Promise.race([
        viewer.refused.then(({ code }) => ({ code })),
        Promise.all([viewer.until('closing'), viewer.disconnected]).then(([closing]) => closing),
      ]),
      pause: (isPaused) => (isPaused ? viewer.raw().pause() : viewer.raw().resume()),
      close: () => void viewer.socket.disconnect(),
    };
  },
});

const webSocket: StreamTransport = {
  name: 'WebSocket',
  hasFresh: true,
  hasClosing: true,
  canHide: true,
  pause: { pictureBytes: 10, mostUnderWay: WINDOW + 1 },
  open({ url, ticket, formats, after, isVisible = true, origin }) {
    const socket = openSocket(url, origin === undefined ? {} : { headers: { origin } });
    if (!isVisible) socket.send({ type: 'visible', visible: false });
    socket.send({ type: 'subscribe', ticket, formats, after });
    return {
      told: socket,
      ended: socket.closed.then(({ code, reason }) => ({ code: reason, number: code })),
      pause: (isPaused) => (isPaused ? socket.raw.pause() : socket.raw.resume()),
      close: () => socket.raw.terminate(),
    };
  },
};

const EVENTS = ['session', 'fresh', 'draining', 'closing'] as const;

function eventsUrl({ url, formats, isVisible }: StreamRequest): string {
  const query = new URLSearchParams({
    ...(formats === undefined ? {} : { formats: formats.join() }),
    ...(isVisible === undefined ? {} : { visible: String(isVisible) }),
  });
  return `${url}/v1/sessions/self/events?${query}`;
}

function headersOf({ ticket, after, origin }: StreamRequest): Record<string, string> {
  return {
    authorization: `Bearer ${ticket}`,
    ...(after === undefined ? {} : { 'last-event-id': String(after) }),
    ...(origin === undefined ? {} : { origin }),
  };
}

/** The npm package `eventsource`. Its option `fetch` adds the credential. */
const eventSource: StreamTransport = {
  name: 'Server-Sent Events, eventsource',
  hasFresh: true,
  hasClosing: true,
  canHide: true,
  pause: { pictureBytes: 1_000_000, mostUnderWay: 13 },
  open(request) {
    const told = createRecorder();
    const { promise: ended, resolve } = Promise.withResolvers<Ending>();
    let { promise: flowing, resolve: flow } = Promise.withResolvers<void>();
    flow();
    const source = new EventSource(eventsUrl(request), {
      async fetch(url, init) {
        const response = await fetch(url, { ...init, headers: { ...headersOf(request), ...init.headers } });
        if (response.status >= 400) {
          const { code, status } = (await response.json()) as Problem;
          resolve({ code, status });
        }
        const pausable = new TransformStream<Uint8Array, Uint8Array>({
          async transform(chunk, controller) {
            await flowing;
            controller.enqueue(chunk);
          },
        });
        return new Response(response.body?.pipeThrough(pausable) ?? null, response);
      },
    });
    for (const name of EVENTS) {
      source.addEventListener(name, ({ data, lastEventId }) => {
        const isVersioned = name === 'session' || name === 'fresh'; // for an event without an id a client keeps the last one
        streamContract.told('sse', name, JSON.parse(data), { event: name, ...(isVersioned ? { id: lastEventId } : {}) });
        told.add(name, JSON.parse(data));
        if (name !== 'closing') return;
        source.close(); // or it would reconnect
        resolve(JSON.parse(data) as Closing);
      });
    }
    return {
      told,
      ended,
      pause(isPaused) {
        if (isPaused) ({ promise: flowing, resolve: flow } = Promise.withResolvers<void>());
        else flow();
      },
      close: () => source.close(),
    };
  },
};

/**
 * undici's client, which Node has as `EventSource`, too. A dispatcher adds the credential. It
 * reports no status of a refusal.
 */
const undiciEventSource: StreamTransport = {
  name: 'Server-Sent Events, undici',
  hasFresh: true,
  hasClosing: true,
  canHide: true,
  pause: null,
  open(request) {
    const told = createRecorder();
    const { promise: ended, resolve } = Promise.withResolvers<Ending>();
    const dispatcher = new Agent().compose((dispatch) => (options, handler) => {
      return dispatch({ ...options, headers: { ...(options.headers as Record<string, string>), ...headersOf(request) } }, handler);
    });
    const source = new UndiciEventSource(eventsUrl(request), { dispatcher });
    const close = (): void => {
      source.close();
      void dispatcher.destroy();
    };
    for (const name of EVENTS) {
      source.addEventListener(name, (event) => {
        const { data } = event as Event & { data: string }; // typed as any event
        told.add(name, JSON.parse(data));
        if (name !== 'closing') return;
        close();
        resolve(JSON.parse(data) as Closing);
      });
    }
    source.onerror = () => {
      if (source.readyState === source.CLOSED) resolve({});
    };
    return { told, ended, pause: () => undefined, close };
  },
};

const longPoll: StreamTransport = {
  name: 'long-poll',
  hasFresh: false,
  hasClosing: false,
  canHide: true,
  pause: null,
  open(request) {
    const told = createRecorder();
    const gone = new AbortController();
    const query = new URLSearchParams({
      wait: '30',
      ...(request.formats === undefined ? {} : { formats: request.formats.join() }),
      ...(request.isVisible === undefined ? {} : { visible: String(request.isVisible) }),
    });
    const { 'last-event-id': _id, ...headers } = headersOf(request);

    async function poll(): Promise<Ending> {
      let known = request.after;
      for (;;) {
        const response = await fetch(`${request.url}/v1/sessions/self?${query}`, {
          headers: { ...headers, ...(known === undefined ? {} : { 'if-none-match': `"${known}"` }) },
          signal: gone.signal,
        });
        if (response.status === 304) continue;
        const body: unknown = await response.json();
        if (!response.ok) {
          const { code, status } = body as Problem;
          return { code, status };
        }
        const { session } = body as { session: WireSession };
        told.add('session', session);
        known = session.version;
        if (session.state === 'connected' || session.end?.resumable === false) return { code: 'done' };
      }
    }
    const ended = poll();
    ended.catch(() => undefined); // aborted, or its gateway has gone; a test that awaits `ended` gets the error
    return { told, ended, pause: () => undefined, close: () => gone.abort() };
  },
};

export const STREAM_TRANSPORTS: readonly StreamTransport[] = [
  socketIo('websocket', ['websocket']),
  socketIo('polling', ['polling']),
  socketIo('polling, then websocket', ['polling', 'websocket']),
  webSocket,
  eventSource,
  undiciEventSource,
  longPoll,
];
