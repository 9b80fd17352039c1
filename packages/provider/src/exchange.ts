import type { Dispatcher } from 'undici';
import { errors } from 'undici';
import type { Answer } from './answer.ts';
import { codingsIn, type Decoded, decodeBody } from './content-coding.ts';
import { ProviderError } from './provider-error.ts';
import { ProxyFault } from './proxy-fault.ts';

/**
 * One request and its complete answer within one time limit, or the reason why there is none.
 *
 * It uses undici's `dispatch` instead of `request()`. `request()` reacts to an abort only when it
 * has a connection (a connect takes up to 10 s), and needs a stream, a signal and their listeners
 * for each call where one timer is enough. The limits here count from the call, so they include the
 * wait for a connection. undici's own timeouts do not, so they are off.
 */

export interface ExchangeDeps {
  readonly agent: Pick<Dispatcher, 'dispatch'>;
  readonly onUnknownCoding: (coding: string) => void;
}

export interface ExchangeRequest {
  readonly origin: string;
  readonly path: string;
  readonly method: 'GET' | 'POST';
  readonly headers: readonly string[];
  readonly body: string | null;
}

export interface ExchangeLimits {
  /** From the call to the last byte. */
  readonly totalMs: number;
  /** From the headers to the last byte, within the total. */
  readonly bodyMs: number;
  /** The size of the decoded body. The agent limits the encoded body itself. */
  readonly maxBodyBytes: number;
}

/**
 * Why there is no complete answer: too slow, cut off, unreadable (too large, not HTTP), or the
 * address is not allowed.
 */
export type ExchangeTrouble = 'provider_timeout' | 'provider_unreachable' | 'provider_error' | 'provider_refused';

/**
 * The peer was reached, but its answer cannot be used. Every other code is about reaching it or
 * staying connected.
 */
const UNUSABLE_CODES: ReadonlySet<unknown> = new Set(['UND_ERR_RES_EXCEEDED_MAX_SIZE', 'UND_ERR_HEADERS_OVERFLOW']);
const CLOSED_CODES: ReadonlySet<unknown> = new Set(['UND_ERR_DESTROYED', 'UND_ERR_CLOSED']);
/** The statuses whose meaning is in the body. For all others the status is enough. */
const EXPLAINED_BY_BODY: ReadonlySet<number> = new Set([200, 400, 403, 404]);
const BAD_REQUEST_CODES: ReadonlySet<unknown> = new Set(['UND_ERR_INVALID_ARG', 'ERR_INVALID_URL']);

/**
 * Calls `onUnknownCoding` for an answer in a content coding that cannot be read.
 * @throws the signal's reason if it is aborted
 * @throws {ProviderError} if the agent is closed, or the credentials make no valid request
 */
export function exchange(
  { agent, onUnknownCoding }: ExchangeDeps,
  request: ExchangeRequest,
  limits: ExchangeLimits,
  signal: AbortSignal | undefined,
): Promise<Answer | ExchangeTrouble> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const handler = new ExchangeHandler({ resolve, reject, onUnknownCoding }, limits, signal);
    agent.dispatch({ ...request, headers: request.headers as string[], headersTimeout: 0, bodyTimeout: 0 }, handler);
  });
}

interface Settle {
  readonly resolve: (reply: Answer | ExchangeTrouble) => void;
  readonly reject: (reason: unknown) => void;
  readonly onUnknownCoding: (coding: string) => void;
}

class ExchangeHandler implements Dispatcher.DispatchHandler {
  readonly #settle: Settle;
  readonly #limits: ExchangeLimits;
  readonly #signal: AbortSignal | undefined;
  readonly #startedAt = performance.now();
  readonly #chunks: Buffer[] = [];
  readonly #onTimeout = (): void => this.#giveUp(() => this.#settle.resolve('provider_timeout'));
  readonly #onAbort = (): void => this.#giveUp(() => this.#settle.reject(this.#signal?.reason));
  #timer: NodeJS.Timeout;
  #controller: Dispatcher.DispatchController | null = null;
  #settled = false;
  #status = 0;
  #headers: Answer['headers'] = {};

  constructor(settle: Settle, limits: ExchangeLimits, signal: AbortSignal | undefined) {
    this.#settle = settle;
    this.#limits = limits;
    this.#signal = signal;
    this.#timer = setTimeout(this.#onTimeout, limits.totalMs);
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /**
   * Called when a connection is about to send the request. If the exchange was given up, nothing is
   * sent.
   */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settled) this.#drop();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Answer['headers']): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
    const remainingMs = this.#limits.totalMs - (performance.now() - this.#startedAt);
    if (this.#limits.bodyMs >= remainingMs) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onTimeout, this.#limits.bodyMs);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const [first] = this.#chunks;
    const bytes = first !== undefined && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks);
    const codings = codingsIn(this.#headers['content-encoding']);
    if (codings.length === 0) this.#take({ kind: 'decoded', bytes });
    else void decodeBody(bytes, codings, this.#limits.maxBodyBytes).then((decoded) => this.#take(decoded)); // it never rejects
  }

  #take(decoded: Decoded): void {
    if (!this.#finish()) return;
    if (decoded.kind === 'unknownCoding') this.#settle.onUnknownCoding(decoded.coding);
    const answer = { status: this.#status, headers: this.#headers };
    if (decoded.kind === 'decoded') this.#settle.resolve({ ...answer, body: new TextDecoder().decode(decoded.bytes) });
    else this.#settle.resolve(EXPLAINED_BY_BODY.has(answer.status) ? 'provider_error' : { ...answer, body: '' });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (!this.#finish()) return;
    const reply = interpretError(error);
    if (reply instanceof ProviderError) this.#settle.reject(reply);
    else this.#settle.resolve(reply);
  }

  #giveUp(settle: () => void): void {
    if (!this.#finish()) return;
    settle();
    this.#drop();
  }

  /** Stops the timer and the listener. Returns true the first time. */
  #finish(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#onAbort);
    return true;
  }

  /** Ends the connection instead of reading the rest, which may be endless. */
  #drop(): void {
    this.#chunks.length = 0;
    this.#controller?.abort(new Error('The exchange was given up'));
  }
}

function interpretError(error: Error & { readonly code?: unknown }): ExchangeTrouble | ProviderError {
  const { code } = error;
  if (CLOSED_CODES.has(code)) return new ProviderError('provider_closed', 'The provider client is closed; open another one');
  if (BAD_REQUEST_CODES.has(code))
    return new ProviderError('credentials_invalid', 'No request can be made from the credentials; check apiUrl');
  if (error instanceof ProxyFault) return 'provider_unreachable'; // whatever the proxy answered, the provider did not
  if (code === 'EACCES') return 'provider_refused'; // refused by public-lookup.ts, or by this machine's own rules
  return UNUSABLE_CODES.has(code) || isMalformed(error) ? 'provider_error' : 'provider_unreachable';
}

/**
 * The parser's error has the data that it could not read. If the connection ended too early, the
 * data is empty: cut off, not malformed.
 */
function isMalformed(error: Error): boolean {
  return error instanceof errors.HTTPParserError && !('data' in error && error.data === '');
}
