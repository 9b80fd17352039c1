import { lookup } from 'node:dns';
import { API_TOKEN, INSTANCE_ID } from '@qrcast/core/credential-forms';
import type { Outcome, PasswordOutcome, PollMethod } from '@qrcast/core/outcome';
import type { Answer, Failure } from './answer.ts';
import { interpretAccount } from './answer-account.ts';
import { interpretLogout } from './answer-logout.ts';
import { interpretPassword } from './answer-password.ts';
import { interpretQr } from './answer-qr.ts';
import type { SaveOutcome, SettingsOutcome, WebhookSettings } from './answer-settings.ts';
import { interpretSave, interpretSettings } from './answer-settings.ts';
import { interpretState } from './answer-state.ts';
import { ACCEPT_ENCODING } from './content-coding.ts';
import type { Credentials } from './credentials.ts';
import { type DispatcherOptions, openDispatchers } from './dispatchers.ts';
import type { ExchangeLimits, ExchangeTrouble } from './exchange.ts';
import { exchange } from './exchange.ts';
import { ProviderError } from './provider-error.ts';

/**
 * The provider's API for one process. It keeps a pool of connections and turns every possible
 * answer into exactly one outcome.
 *
 * Whatever the provider does is an outcome. Only three things throw: the caller's own abort (with
 * its reason), a closed client, and impossible credentials (`ProviderError`). No outcome or error
 * contains a URL, a token or a password. Nothing is retried, because the next poll is the retry,
 * and no redirect is followed. The caller must space the calls of an instance (1 per second and
 * method).
 */
export interface Provider {
  /** Makes one GET. `logout` logs the instance out; the other methods change nothing. */
  poll(credentials: Credentials, method: PollMethod, signal?: AbortSignal): Promise<Outcome>;
  /**
   * Sends the cloud password of an account that has just been scanned. Tries once, because the
   * provider counts the tries.
   */
  sendPassword(credentials: Credentials, password: string, signal?: AbortSignal): Promise<PasswordOutcome>;
  /**
   * Reads the settings of the instance for notifications. The webhook token among them is a secret.
   */
  getSettings(credentials: Credentials, signal?: AbortSignal): Promise<SettingsOutcome>;
  /**
   * Tries once. The provider then restarts the instance, for up to five minutes, and may say
   * `saved` although it did not save.
   */
  setSettings(credentials: Credentials, settings: WebhookSettings, signal?: AbortSignal): Promise<SaveOutcome>;
  /**
   * Ends every connection at once. Calls that are under way throw `ProviderError`, so abort or
   * await them first.
   */
  close(): Promise<void>;
}

export interface ProviderOptions {
  readonly userAgent?: string;
  readonly qrTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  readonly bodyTimeoutMs?: number;
  readonly maxBodyBytes?: number;
  readonly keepAliveMs?: number;
  /** The most connections per host; null for one per request that is under way. */
  readonly connections?: number | null;
  /**
   * Host names that may resolve to private addresses. Names on a public allow-list never should.
   */
  readonly privateHosts?: readonly string[];
  /**
   * Called if an answer has a content coding that cannot be read, as from a proxy that compresses
   * without being asked. Called once for each name, and for ten names at most.
   */
  readonly onUnknownCoding?: (coding: string) => void;
  /** Resolves host names. Private addresses are removed from the result. */
  readonly resolve?: typeof lookup;
  /** The proxy for requests over https; null for none. */
  readonly proxyRoute?: DispatcherOptions['proxyRoute'];
  /** Called for each tunnel that the proxy did not open, with the host and port behind it. */
  readonly onProxyFault?: DispatcherOptions['onProxyFault'];
}

export const PROVIDER_DEFAULTS = {
  userAgent: 'qrcast',
  /**
   * From the call to the last byte. The provider holds a QR request for up to 60 s if it has no
   * code yet.
   */
  qrTimeoutMs: 65_000,
  /** The same for every other method. */
  requestTimeoutMs: 15_000,
  /** From the headers to the last byte, within the limits above. */
  bodyTimeoutMs: 10_000,
  /** A picture has 1 to 12 kB. */
  maxBodyBytes: 1_000_000,
  /**
   * Longer than the poll interval, so that a session needs no new handshake at every poll. A
   * server's own hint takes precedence.
   */
  keepAliveMs: 60_000,
  /**
   * A held QR request occupies its connection for a minute, so with a small fixed number others
   * would wait.
   */
  connections: null,
  privateHosts: [],
  onUnknownCoding: () => undefined,
  resolve: lookup,
  proxyRoute: null,
  onProxyFault: () => undefined,
} as const satisfies ProviderOptions;

/** The log message for `onUnknownCoding`. */
export const UNKNOWN_CODING =
  'the provider answered in a content coding that cannot be read, so its answers are provider_error; check the proxies on the way to it';
const MAX_REPORTED_CODINGS = 10;

interface Call {
  readonly path: string;
  readonly isSlow: boolean;
  readonly interpret: (answer: Answer) => Outcome;
}

const CALLS: Readonly<Record<PollMethod, Call>> = {
  qr: { path: 'qr', isSlow: true, interpret: interpretQr },
  state: { path: 'getStateInstance', isSlow: false, interpret: interpretState },
  account: { path: 'getAccountSettings', isSlow: false, interpret: interpretAccount },
  logout: { path: 'logout', isSlow: false, interpret: interpretLogout },
};

export function openProvider(options: ProviderOptions = {}): Provider {
  const settings = { ...PROVIDER_DEFAULTS, ...options };
  const dispatchers = openDispatchers(settings);
  const { maxBodyBytes } = settings;
  const limits: ExchangeLimits = { totalMs: settings.requestTimeoutMs, bodyMs: settings.bodyTimeoutMs, maxBodyBytes };
  const slowLimits: ExchangeLimits = { ...limits, totalMs: settings.qrTimeoutMs };
  const headers = ['accept', 'application/json', 'accept-encoding', ACCEPT_ENCODING, 'user-agent', settings.userAgent];
  const jsonHeaders = [...headers, 'content-type', 'application/json'];

  const onUnknownCoding = oncePerName(settings.onUnknownCoding);

  /** Returns the complete answer, or why there is none. Without a `body` it is a GET. */
  function ask(credentials: Credentials, method: string, timing: ExchangeLimits, signal?: AbortSignal, body?: object) {
    const call =
      body === undefined
        ? ({ method: 'GET', headers, body: null } as const)
        : ({ method: 'POST', headers: jsonHeaders, body: JSON.stringify(body) } as const);
    const request = { origin: credentials.apiUrl, path: pathOf(credentials, method), ...call };
    return exchange({ agent: dispatchers.of(request.origin), onUnknownCoding }, request, timing, signal);
  }

  return {
    async poll(credentials, method, signal) {
      const call = CALLS[method];
      const reply = await ask(credentials, call.path, call.isSlow ? slowLimits : limits, signal);
      return isAnswer(reply) ? call.interpret(reply) : interpretFailure(reply);
    },

    async sendPassword(credentials, password, signal) {
      const reply = await ask(credentials, 'sendAuthorizationPassword', limits, signal, { password });
      return isAnswer(reply) ? interpretPassword(reply) : { kind: 'trouble', code: reply };
    },

    async getSettings(credentials, signal) {
      const reply = await ask(credentials, 'getSettings', limits, signal);
      return isAnswer(reply) ? interpretSettings(reply) : interpretFailure(reply);
    },

    async setSettings(credentials, settings, signal) {
      const reply = await ask(credentials, 'setSettings', limits, signal, settings);
      return isAnswer(reply) ? interpretSave(reply) : interpretFailure(reply);
    },

    close: dispatchers.close,
  };
}

function oncePerName(report: (coding: string) => void): (coding: string) => void {
  const reported = new Set<string>();
  return (coding) => {
    if (reported.has(coding) || reported.size === MAX_REPORTED_CODINGS) return;
    reported.add(coding);
    report(coding);
  };
}

/** The checks and the encoding keep an id or token from changing the path (`..`, `/`, `?`). */
function pathOf({ instanceId, apiToken }: Credentials, method: string): string {
  if (!INSTANCE_ID.test(instanceId) || !API_TOKEN.test(apiToken)) {
    throw new ProviderError('credentials_invalid', 'Expected an instance id of 4 to 20 digits and a token of 8 to 256 of A-Z a-z 0-9 _ -');
  }
  return `/waInstance${encodeURIComponent(instanceId)}/${method}/${encodeURIComponent(apiToken)}`;
}

/**
 * `provider_error` (too large or unreadable) was an answer. After `provider_refused` the provider
 * was not asked, so it did not fail to answer.
 */
function interpretFailure(code: ExchangeTrouble): Failure {
  return code === 'provider_error' || code === 'provider_refused'
    ? { kind: 'trouble', code }
    : { kind: 'trouble', code, isUnanswered: true };
}

function isAnswer(reply: Answer | ExchangeTrouble): reply is Answer {
  return typeof reply === 'object';
}
