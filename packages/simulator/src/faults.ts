/**
 * All faults of a call, by name. This is the only table: `fail`, the control API and its list read
 * it, so a new fault is one new row. A fault returns the reply to send, or null if it has used the
 * connection itself.
 */
import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { coded, marked } from './coded-answers.ts';
import type { Reply } from './reply.ts';
import { badRequest, empty, json, nginxPage, rawJson, text } from './reply.ts';
import { UNHEARD_OF_STATE } from './states.ts';

export interface FaultSettings {
  /** In ms. For `hang`: how long the answer takes. For `neverEnds`: the pause between two bytes. */
  readonly ms?: number;
  /** For `status429`: the value of the Retry-After header, seconds or an HTTP date. */
  readonly retryAfter?: number | string;
  /** For `redirect`: the address. */
  readonly location?: string;
}

export interface FaultCall {
  readonly response: ServerResponse;
  readonly settings: FaultSettings;
  /** Aborted when the client leaves or the simulator closes. */
  readonly signal: AbortSignal;
  /**
   * Returns what the method answers without a fault. It has side effects, so call it at most once.
   */
  readonly answer: () => Promise<Reply>;
}

export interface Fault {
  readonly summary: string;
  readonly play: (call: FaultCall) => Reply | null | Promise<Reply | null>;
}

const HANG_MS = 60_000;
const TRICKLE_MS = 50;
const HUGE_BYTES = 10 * 1024 * 1024;
/**
 * The discard port of this machine. A client that follows the redirect is refused and reaches no
 * server.
 */
const NOWHERE = 'http://127.0.0.1:9/';
const ALREADY = 'instance account already authorized';
const GIF_BASE64 = 'R0lGODlhAQABAAAAACwAAAAAAQABAAA=';

export const FAULTS = {
  html403: fixed('403 with the HTML page of nginx, as for a wrong id', nginxPage(403)),
  html404: fixed('404 with the HTML page of nginx, as for a wrong host or method', nginxPage(404)),
  html502: fixed('502 with an HTML page', nginxPage(502)),
  html504: fixed('504 with an HTML page', nginxPage(504)),
  empty401: fixed('401 without a body, as for a wrong token', empty(401)),
  empty408: fixed('408 without a body', empty(408)),
  status429: { summary: '429; `retryAfter` adds the header', play: ({ settings }) => tooManyRequests(settings.retryAfter) },
  status500: fixed('500 with a JSON body', json({ message: 'Internal Server Error' }, 500)),
  starting400: fixed('400: the instance is starting', badRequest('instance in starting process try later')),
  notAuthorized400: fixed('400: starting or not authorized', badRequest('instance is starting or not authorized')),
  deleted400: fixed('400: the instance is deleted', badRequest('Instance is deleted')),
  expired400: fixed('400: not paid for', badRequest('Instance account is expired. Renew your instance from personal area')),
  code401in200: fixed('200 with {"code":401}', json({ code: 401, description: 'Unauthorized' })),
  statusFalse200: fixed('200 with {"status":false}', json({ status: false, reason: 'instance is starting or not authorized' })),

  hang: { summary: 'the answer, made at the beginning and sent after `ms` (60 s); its code may be stale on arrival', play: hang },
  neverEnds: { summary: '200 and then a byte every `ms` (50) until the client leaves', play: trickle },
  cut: { summary: 'the connection breaks before the answer', play: cut },
  cutMidBody: { summary: 'the connection breaks halfway through the answer', play: cutMidBody },
  hugeBody: { summary: 'a well-formed answer of 10 MB', play: () => rawJson(hugeBody()) },
  truncatedJson: { summary: 'half of the answer, as if it were complete', play: async (call) => halfOf(await call.answer()) },
  notJson: fixed('200 with text that is not JSON', rawJson('upstream connect error')),
  gzip: { summary: 'the answer in the content coding gzip', play: async ({ answer }) => coded(await answer(), 'gzip') },
  deflate: { summary: 'the answer in the content coding deflate', play: async ({ answer }) => coded(await answer(), 'deflate') },
  brotli: { summary: 'the answer in the content coding br', play: async ({ answer }) => coded(await answer(), 'brotli') },
  twoCodings: { summary: 'the answer in gzip, and the result in br', play: async ({ answer }) => coded(await answer(), 'twoCodings') },
  unknownCoding: {
    summary: 'the answer in a coding that no client supports',
    play: async ({ answer }) => coded(await answer(), 'compress'),
  },
  bomb: { summary: 'the answer of `hugeBody` in gzip: 10 kB', play: () => coded(rawJson(hugeBody()), 'gzip') },
  byteOrderMark: { summary: 'the answer with a byte-order mark before it', play: async ({ answer }) => marked(await answer()) },
  redirect: {
    summary: `302 to \`location\` (${NOWHERE})`,
    play: ({ settings }) => empty(302, { location: settings.location ?? NOWHERE }),
  },

  errorTimeout: typed('the messenger is unavailable', 'error', 'timeout'),
  errorNotReady: typed('the instance has no code yet', 'error', 'not_ready'),
  errorConnectionClosed: typed('the messenger refused', 'error', 'connection_closed'),
  errorHasAuth: typed('stale credentials, log out first', 'error', 'Instance has auth. You need to make log out'),
  alreadyLogged: typed('linked, in the spelling of the type list', 'alreadyLogged', ALREADY),
  alreadyRegistered: typed('linked, in the spelling of the page', 'already_registered', ALREADY),
  pendingPassword: typed('a password is needed', 'pendingPassword', '2FA password required'),
  pending_password: typed('a password is needed, in the Telegram spelling', 'pending_password', '2FA password required'),
  passkeyRequired: typed('a passkey is needed', 'passkeyRequired', 'passkey required'),
  unknownType: typed('an unknown type', 'carrierPigeon', 'coo'),
  emptyMessage: typed('a code without a picture', 'qrCode', ''),
  brokenBase64: typed('a code that is not base64', 'qrCode', '@@ not base64 @@'),
  notPng: typed('a code that is a GIF', 'qrCode', GIF_BASE64),

  unknownState: fixed('an unknown state', json({ stateInstance: UNHEARD_OF_STATE })),
  nullState: fixed('the body null, as while an instance is being created', json(null)),

  savedNothing: fixed('setSettings: says that it saved and saves nothing', json({ saveSettings: true })),
  saveRefused: fixed('setSettings: says that it did not save', json({ saveSettings: false })),

  passwordInvalid: password('invalid_password'),
  passwordRateLimited: password('rate_limit_exceeded'),
  passwordAlreadyRegistered: password('already_registered'),
  passwordNotStarted: password('authorization_not_started'),
  passwordTimeout: password('timeout'),
  passwordAttemptsExceeded: password('attempts_exceeded'),
  passwordTimeExpired: password('time_limit_expired_logout'),
  passwordUnknownReason: password('mercury_in_retrograde'),

  findUnAckedMessage: fixed(
    'deleteNotification: 500 for a receipt that does not exist any more',
    json({ message: "Cannot read properties of undefined (reading 'findUnAckedMessage')" }, 500),
  ),
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

/** `Object.keys` loses the type of the names. */
export const FAULT_NAMES = Object.keys(FAULTS) as readonly string[] as readonly FaultName[];

export function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(FAULTS, name);
}

/**
 * Also the answer of the rate limiter. The provider publishes neither the body nor a Retry-After.
 */
export function tooManyRequests(retryAfter?: number | string): Reply {
  return text('Too Many Requests', 429, retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) });
}

function fixed(summary: string, reply: Reply): Fault {
  return { summary, play: () => reply };
}

function typed(summary: string, type: string, message: string): Fault {
  return fixed(`qr: ${summary}`, json({ type, message }));
}

function password(reason: string): Fault {
  return fixed(`sendAuthorizationPassword: fails with ${reason}`, json({ status: true, data: { status: 'fail', reason } }));
}

async function hang({ settings, signal, answer }: FaultCall): Promise<Reply | null> {
  const reply = await answer();
  return (await waited(settings.ms ?? HANG_MS, signal)) ? reply : null;
}

async function trickle({ response, settings, signal }: FaultCall): Promise<null> {
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
  response.write('{"type":"qrCode","message":"');
  while (await waited(settings.ms ?? TRICKLE_MS, signal)) response.write('A');
  return null;
}

function cut({ response }: FaultCall): null {
  response.destroy();
  return null;
}

async function cutMidBody({ response, answer }: FaultCall): Promise<null> {
  const { status, headers, body } = await answer();
  const whole = Buffer.from(body);
  response.writeHead(status, { ...headers, 'content-length': whole.length });
  response.write(firstHalf(whole), () => response.destroy());
  return null;
}

function halfOf(reply: Reply): Reply {
  return { ...reply, body: firstHalf(Buffer.from(reply.body)) };
}

function firstHalf(whole: Buffer): Buffer {
  return whole.subarray(0, Math.floor(whole.length / 2));
}

function hugeBody(): Buffer {
  const frame = JSON.stringify({ type: 'qrCode', message: '' });
  const [head, tail] = [frame.slice(0, -2), frame.slice(-2)];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(HUGE_BYTES - frame.length, 'A'), Buffer.from(tail)]);
}

/** Returns false if the signal was aborted first. */
async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  // It rejects only with AbortError, and here it is no error that the client left.
  return delay(ms, true, { signal }).catch(() => false);
}
