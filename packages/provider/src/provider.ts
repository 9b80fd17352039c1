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
 * The provider's API for one process: a pool of connections, and every possible answer turned into exactly one outcome.
 *
 * Whatever the provider does is an outcome. Only three things throw: the caller's own abort (its reason, as it is), a closed client and
 * impossible credentials (`ProviderError`). Nothing that leaves here holds a URL, a token or a password. Nothing is retried and no
 * redirect is followed: the next poll is the retry, and spacing the calls of an instance (1 per second and method) is the caller's part.
 */
export interface Provider {
  /** One GET. `logout` changes things at the provider; the others only look. */
  poll(credentials: Credentials, method: PollMethod, signal?: AbortSignal): Promise<Outcome>;
  /** Hands over the cloud password of an account that has just been scanned. One attempt; the provider counts them. */
  sendPassword(credentials: Credentials, password: string, signal?: AbortSignal): Promise<PasswordOutcome>;
  /** The settings of the instance that concern notifications. The webhook token among them is a secret. */
  getSettings(credentials: Credentials, signal?: AbortSignal): Promise<SettingsOutcome>;
  /** One attempt. The provider restarts the instance for it, for up to five minutes, and may say `saved` without having saved. */
  setSettings(credentials: Credentials, settings: WebhookSettings, signal?: AbortSignal): Promise<SaveOutcome>;
  /** Ends every connection at once; calls under way throw `ProviderError`. Abort or await them first to know how they ended. */
  close(): Promise<void>;
}

export interface ProviderOptions {
  readonly userAgent?: string;
  readonly qrTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  readonly bodyTimeoutMs?: number;
  readonly maxBodyBytes?: number;
  readonly keepAliveMs?: number;
  /** Per host; null for as many as there are requests under way. */
  readonly connections?: number | null;
  /** Host names that may resolve to private addresses. Names on a public allow-list never should. */
  readonly privateHosts?: readonly string[];
  /** An answer came in a content coding that cannot be read, as behind a proxy that was not asked. Called once for each name, of ten at most. */
  readonly onUnknownCoding?: (coding: string) => void;
  /** How host names become addresses; what is private among them is left out all the same. */
  readonly resolve?: typeof lookup;
  /** The proxy that requests over https leave through; null for none. */
  readonly proxyRoute?: DispatcherOptions['proxyRoute'];
  /** Called for each tunnel that the proxy did not open, with the host and port behind it. */
  readonly onProxyFault?: DispatcherOptions['onProxyFault'];
}

export const PROVIDER_DEFAULTS = {
  userAgent: 'qrcast',
  /** The provider holds a QR request for up to 60 s when it has no code yet. From the call to the last byte. */
  qrTimeoutMs: 65_000,
  /** For every other method, likewise. */
  requestTimeoutMs: 15_000,
  /** Once the headers are there the rest has to follow; within the limits above. */
  bodyTimeoutMs: 10_000,
  /** A picture has 1 to 12 kB. */
  maxBodyBytes: 1_000_000,
  /** Longer than the poll interval, so that a session does not shake hands again at every poll. A server's own hint wins. */
  keepAliveMs: 60_000,
  /** A held QR request keeps its connection busy for a minute, so a small fixed number would make others wait. */
  connections: null,
  privateHosts: [],
  onUnknownCoding: () => undefined,
  resolve: lookup,
  proxyRoute: null,
  onProxyFault: () => undefined,
} as const satisfies ProviderOptions;

/** What a log says where `onUnknownCoding` is called. */
export const UNKNOWN_CODING =
  'the provider answered in a content coding that cannot be read, so its answers are provider_error; does a proxy in between do that?';
const MAX_TOLD_CODINGS = 10;

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

  const told = new Set<string>();
  function onUnknownCoding(coding: string): void {
    if (told.has(coding) || told.size === MAX_TOLD_CODINGS) return;
    told.add(coding);
    settings.onUnknownCoding(coding);
  }

  /** The complete answer, or why there is none. `body` undefined: a GET. */
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

/** The checks keep a token out of other people's paths (`..`, `/`, `?`); the encoding says so again. */
function pathOf({ instanceId, apiToken }: Credentials, method: string): string {
  if (!INSTANCE_ID.test(instanceId) || !API_TOKEN.test(apiToken)) {
    throw new ProviderError('credentials_invalid', 'Expected an instance id of 4 to 20 digits and a token of 8 to 256 of A-Z a-z 0-9 _ -');
  }
  return `/waInstance${encodeURIComponent(instanceId)}/${method}/${encodeURIComponent(apiToken)}`;
}

/** What was cut off for its size or cannot be read was an answer all the same; who may not be asked, did not fail to answer. */
function interpretFailure(code: ExchangeTrouble): Failure {
  return code === 'provider_error' || code === 'provider_refused'
    ? { kind: 'trouble', code }
    : { kind: 'trouble', code, isUnanswered: true };
}

function isAnswer(reply: Answer | ExchangeTrouble): reply is Answer {
  return typeof reply === 'object';
}
