/**
 * Reads the overview stream of a gateway: once, or for as long as somebody looks. Only the stream
 * tells that a session has changed, so nothing here polls.
 */

import { createParser } from 'eventsource-parser';
import { askGateway, type GatewayAccess, GatewayError } from '../start/session.ts';
import { type OverviewMessage, overviewMessageSchema } from './overview.ts';

export interface OverviewSource {
  readonly access: GatewayAccess & { readonly signal: AbortSignal };
  /** With its query. */
  readonly path: string;
}

export interface OverviewHandlers {
  readonly onMessage: (message: OverviewMessage) => void;
  /** Called each time the stream was lost and will be opened again. */
  readonly onLost: () => void;
  /** Resolves after the time, and rejects when the signal aborts. */
  readonly delay: (ms: number, signal: AbortSignal) => Promise<void>;
  /** From [0, 1). */
  readonly random: () => number;
}

/** The gateway sends a comment every 15 s. */
const SILENCE_MS = 40_000;
/** The first message has up to 200 sessions of about 600 characters. */
const MAX_EVENT_CHARS = 10_000_000;
const RETRY_FROM_MS = 1_000;
const RETRY_TO_MS = 15_000;
/** Nothing that is repeated with the same key can succeed after these. */
const FINAL: ReadonlySet<string> = new Set(['unauthenticated', 'forbidden', 'not_found']);

/** Resolves to what the gateway tells first. @throws {GatewayError} */
export async function readFirst(source: OverviewSource): Promise<OverviewMessage> {
  let first: OverviewMessage | null = null;
  await readStream(source, (message) => {
    first = message;
    return false;
  });
  if (first === null) throw new GatewayError('unreachable', `${source.access.url} ended the overview before it told a session`);
  return first;
}

/**
 * Retries until the signal aborts, with exponential delays. Does not retry if the first stream could
 * not be read: then the address or the key is probably wrong.
 *
 * @throws {GatewayError} if the gateway refuses, or the reason of the signal
 */
export async function followOverview(source: OverviewSource, { onMessage, onLost, delay, random }: OverviewHandlers): Promise<never> {
  const { signal } = source.access;
  let hasRead = false;
  for (let failures = 0; ; failures++) {
    try {
      await readStream(source, (message) => {
        hasRead = true;
        failures = 0;
        onMessage(message);
        return true;
      });
    } catch (error) {
      signal.throwIfAborted();
      if (!hasRead || (error instanceof GatewayError && FINAL.has(error.code))) throw error;
    }
    onLost();
    // Half of it is random: all who look are cut together when the gateway stops.
    await delay(Math.min(RETRY_TO_MS, RETRY_FROM_MS * 2 ** failures) * (0.5 + random() / 2), signal);
  }
}

/** Resolves when the stream has ended, or `onMessage` has returned false. @throws {GatewayError} */
async function readStream({ access, path }: OverviewSource, onMessage: (message: OverviewMessage) => boolean): Promise<void> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), SILENCE_MS);
  const init = { headers: { accept: 'text/event-stream' }, signal: AbortSignal.any([access.signal, silence.signal]) };
  try {
    await askGateway(access, path, init, async ({ headers, body }) => {
      const isStream = headers.get('content-type')?.startsWith('text/event-stream') === true;
      if (!isStream || body === null) throw new GatewayError('unreachable', `${access.url} answered, but not like a qrcast gateway`);
      let isWanted = true;
      const parser = createParser({
        maxBufferSize: MAX_EVENT_CHARS,
        onEvent: ({ event, data }) => {
          if (event === 'sessions' && isWanted) isWanted = onMessage(messageOf(data));
        },
      });
      const decoder = new TextDecoder();
      for await (const bytes of body) {
        timer.refresh();
        parser.feed(decoder.decode(bytes, { stream: true }));
        if (!isWanted) return;
      }
    });
  } finally {
    clearTimeout(timer);
    silence.abort(); // ends a response that is still open
  }
}

/** @throws {GatewayError} `unreadable`, which a newer version of this command would read */
function messageOf(data: string): OverviewMessage {
  try {
    return overviewMessageSchema.parse(JSON.parse(data));
  } catch (cause) {
    throw new GatewayError('unreadable', 'the gateway told its sessions in a form that this qrcast does not know; is it newer?', { cause });
  }
}
