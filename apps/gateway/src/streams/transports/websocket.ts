/**
 * Plain WebSocket on `/v1/ws`, subprotocol `qrcast.v1`, for clients without a library. It
 * translates between the JSON text frames of core's `stream-messages.ts` and a viewer's connection.
 */

import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { CLOSE_CODES, type CloseReason } from '@qrcast/core/close-codes';
import { ERRORS, toStreamError } from '@qrcast/core/errors';
import { parseRequest } from '@qrcast/core/requests';
import { clientFrameSchema, refSchema, type ServerFrame } from '@qrcast/core/stream-messages';
import { withoutMark } from '@qrcast/core/utf8';
import type { Counter } from '@qrcast/runtime/metrics/meters';
import { type RawData, type ServerOptions, WebSocket, WebSocketServer } from 'ws';
import type { AddressRates } from '../../auth/address-rates.ts';
import { asCaller, type Caller, createCaller } from '../../auth/caller.ts';
import { countRefusal, type RefusalDeps, refusalOf } from '../../http/refusals.ts';
import { type ConnectRate, retryAfterSeconds } from '../../limits/connect-rate.ts';
import { closeReasonFor } from '../admit-viewer.ts';
import type { AnonymousConnection, ConnectionSlots } from '../connection-slots.ts';
import { CONNECTION_WINDOW, type Sink, type ViewerMessage } from '../delivery.ts';
import { MAX_FRAGMENTS, MAX_MESSAGE_BYTES } from '../message-budget.ts';
import type { ClosedBy, StreamMeters } from '../stream-meters.ts';
import { CLOSE_WITHIN_MS, openViewerConnection, type ViewerConnection, type ViewerConnectionDeps } from '../viewer-connection.ts';
import { openPingCredit, type PingCredit, sweepCredit } from './websocket-credit.ts';
import { createFrameMemory, sendFrame } from './websocket-frame.ts';

export interface WebSocketDeps extends ViewerConnectionDeps, RefusalDeps {
  readonly streamMeters: StreamMeters;
  readonly slots: ConnectionSlots;
  readonly addressRates: AddressRates;
  readonly connectRate: ConnectRate;
}

const WEBSOCKET_PATH = '/v1/ws';
const SUBPROTOCOL = 'qrcast.v1';

/** The library's own close codes mean nothing to our clients. These reasons replace them. */
const OUR_REASONS: Readonly<Record<number, CloseReason>> = { 1002: 'invalid_message', 1007: 'invalid_message', 1009: 'message_too_large' };

class ViewerSocket extends WebSocket {
  closedBy: ClosedBy = 'client';

  override close(code?: number, reason?: string | Buffer): void {
    const ours = OUR_REASONS[code ?? 0];
    if (ours === undefined) super.close(code, reason);
    else this.closeFor(ours);
  }

  closeFor(reason: CloseReason): void {
    this.closedBy = reason;
    super.close(CLOSE_CODES[reason], reason);
  }

  override terminate(): void {
    if (this.closedBy === 'client') this.closedBy = 'cut';
    super.terminate();
  }
}

/** As the schemas of `ServerFrame` say. */
const frames = createFrameMemory((message: ViewerMessage) =>
  message.kind === 'session'
    ? ['{"type":"session","session":', ...message.json(), '}']
    : [JSON.stringify({ type: 'fresh', ...message.fresh } satisfies ServerFrame)],
);

export function openWebSocketStream(http: HttpServer, deps: WebSocketDeps): { close(): void } {
  const { addressRates, connectRate } = deps;
  // The last two are not in its types yet.
  const options: ServerOptions<typeof ViewerSocket> & { closeTimeout: number; maxFragments: number } = {
    noServer: true,
    WebSocket: ViewerSocket,
    maxPayload: MAX_MESSAGE_BYTES,
    maxFragments: MAX_FRAGMENTS,
    closeTimeout: CLOSE_WITHIN_MS,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    verifyClient: ({ req }, decide) => {
      const refusal = addressRates.refuseHandshake(req) ?? connectRate.refuse();
      if (refusal === null) return decide(true);
      countRefusal(deps, refusal);
      decide(false, ERRORS[refusal.code].status, refusal.code, { 'Retry-After': retryAfterSeconds(refusal) });
    },
  };
  const server: WebSocketServer = new WebSocketServer(options);
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (!isWebSocketPath(request.url)) return;
    const from: From = {
      origin: request.headers.origin,
      group: addressRates.groupOf(request),
      caller: createCaller(addressRates.addressOf(request), request.headers),
    };
    server.handleUpgrade(request, socket, head, (raw) => serve(raw as ViewerSocket, socket, from, deps));
  };
  http.on('upgrade', upgrade);
  return {
    close() {
      http.off('upgrade', upgrade);
      for (const raw of server.clients) raw.terminate();
    },
  };
}

export function isWebSocketPath(url: string | undefined): boolean {
  return url?.split('?', 1)[0] === WEBSOCKET_PATH;
}

/** Where a connection comes from. `group`: see `addressGroup`. */
interface From {
  readonly origin: string | undefined;
  readonly group: string;
  readonly caller: Caller;
}

/**
 * Serves one connection until it closes: the frames that its client may send, and what it is sent.
 */
function serve(raw: ViewerSocket, socket: Duplex, { origin, group, caller }: From, deps: WebSocketDeps): void {
  const { slots, streamMeters } = deps;
  const credit = openPingCredit(raw, true, streamMeters.pingPong.websocket);
  const sink = sinkOf(raw, socket, credit, streamMeters.bytes.websocket);
  const write = (frame: ServerFrame): void => raw.send(JSON.stringify(frame));
  raw.on('error', () => undefined); // its close follows

  function leave(retryAfterMs: number): void {
    write({ type: 'draining', retryAfterMs });
    connection.close('draining');
  }
  let anonymous: AnonymousConnection;
  try {
    anonymous = slots.openAnonymous('websocket', group, leave, () => raw.terminate());
  } catch (error) {
    write({ type: 'error', error: toStreamError(refusalOf(error, deps, WEBSOCKET_PATH)) });
    sink.close('unavailable');
    return;
  }

  const connection = openViewerConnection(deps, { sink, origin, takeSlot: anonymous.takeSlot });
  const stopSweep = sweepCredit(credit);
  raw.on('close', () => {
    if (anonymous.hasSlot()) streamMeters.closed('websocket', raw.closedBy);
    anonymous.end();
    stopSweep();
    connection.end();
  });

  raw.on('message', (data, isBinary) => {
    if (!connection.mayTake()) return;
    const body = isBinary ? null : parseObject(data);
    if (body === null) return connection.close('invalid_message');
    const ref = 'ref' in body ? refSchema.safeParse(body.ref).data : undefined;
    const answer = (frame: Answer): void => write(ref === undefined ? frame : { ...frame, ref });
    asCaller(caller, () => run(connection, body, answer, credit)).catch((error: unknown) => {
      const refusal = refusalOf(error, deps, WEBSOCKET_PATH);
      answer({ type: 'error', error: toStreamError(refusal) });
      // A connection whose only subscription was refused has nothing to watch.
      const reason = 'type' in body && body.type === 'subscribe' && connection.isIdle() ? closeReasonFor(refusal) : null;
      if (reason !== null) connection.close(reason);
    });
  });
}

/** `socket`: of `raw`, which compresses nothing. */
function sinkOf(raw: ViewerSocket, socket: Duplex, credit: PingCredit, bytes: Counter): Sink {
  return {
    transport: 'websocket',
    send(message, sent, isAwaited) {
      if (raw.readyState === raw.OPEN) bytes.add(sendFrame(socket, frames, message, () => credit.whenRead(sent, isAwaited)));
    },
    hasRoom: () => credit.unread() < CONNECTION_WINDOW || credit.askSoon(),
    askedAt: () => credit.askedAt(),
    close: (reason) => raw.closeFor(reason),
  };
}

type Answer = Extract<ServerFrame, { type: 'ok' | 'error' | 'pong' }>;

/** Runs the call of a frame, and answers it. @throws {RefusedError} */
async function run(connection: ViewerConnection, body: object, answer: (frame: Answer) => void, credit: PingCredit): Promise<void> {
  const frame = parseRequest(clientFrameSchema, body);
  switch (frame.type) {
    case 'ping':
      return answer({ type: 'pong' });
    case 'subscribe': {
      const { session, begin, read } = await connection.subscribe(frame);
      answer({ type: 'ok', sessionId: session.id });
      credit.whenRead(read, true);
      return begin();
    }
    case 'unsubscribe':
      await connection.unsubscribe(frame);
      break;
    case 'visible':
      connection.setVisible(frame);
      break;
    case 'resume':
      await connection.resume(frame);
      break;
    case 'start_over':
      await connection.startOver(frame);
      break;
    case 'password':
      await connection.sendPassword(frame);
      break;
    default:
      frame satisfies never;
  }
  answer({ type: 'ok' });
}

function parseObject(data: RawData): object | null {
  try {
    const value: unknown = JSON.parse(withoutMark(data.toString())); // the library has closed the connection if it is not UTF-8
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null; // no JSON
  }
}
