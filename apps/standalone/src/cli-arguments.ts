/**
 * The command line of `qrcast`: every option with its rule. No message repeats a value, because
 * people paste tokens into the wrong place. No option takes a secret: everybody on the machine can
 * read the arguments of a process.
 */

import { parseArgs } from 'node:util';
import { INSTANCE_ID } from '@qrcast/core/credential-forms';
import { invisibleFault } from '@qrcast/core/invisible';
import { readPhone } from '@qrcast/core/phone';
import { DEFAULT_UPSTREAM_HOSTS, isAllowedUpstream, parseApiUrl } from '@qrcast/core/upstream';
import { EXITS, LoginError } from './login/ending.ts';

export interface LoginArguments {
  readonly instanceId: string;
  /** The provider's host as an origin; undefined if the instance's id tells it. */
  readonly apiUrl: string | undefined;
  /** `-` means stdin. */
  readonly tokenFile: string | undefined;
  readonly passwordFile: string | undefined;
  /** A running gateway, without a slash at the end; undefined for a private one. */
  readonly gateway: string | undefined;
  readonly json: boolean;
  readonly relink: boolean;
  /** Digits only. */
  readonly expectedPhone: string | undefined;
  readonly timeoutSeconds: number;
}

export interface WebhookArguments {
  /** A running gateway, without a slash at the end. */
  readonly gateway: string;
  /** Exactly one of these two is given. */
  readonly sessionId: string | undefined;
  readonly instanceId: string | undefined;
  readonly apiUrl: string | undefined;
  readonly tokenFile: string | undefined;
  readonly isSet: boolean;
  readonly isReplacing: boolean;
  readonly json: boolean;
}

export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'login'; readonly arguments: LoginArguments }
  | { readonly kind: 'webhook'; readonly arguments: WebhookArguments }
  | { readonly kind: 'rotate-keys'; readonly isCheck: boolean }
  | { readonly kind: 'doctor'; readonly json: boolean };

export const DEFAULT_TIMEOUT_SECONDS = 600;
/** Half of a ticket's longest life, because the session and the ticket must outlast the wait. */
export const MAX_TIMEOUT_SECONDS = 43_200;

const OPTIONS = {
  id: { type: 'string' },
  'api-url': { type: 'string' },
  'token-file': { type: 'string' },
  'password-file': { type: 'string' },
  gateway: { type: 'string' },
  json: { type: 'boolean' },
  relink: { type: 'boolean' },
  'expected-phone': { type: 'string' },
  timeout: { type: 'string' },
  check: { type: 'boolean' },
  session: { type: 'string' },
  set: { type: 'boolean' },
  'replace-url': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const;

/** Options that people try, and where to give the value instead. */
const SECRETS: Readonly<Record<string, string>> = {
  '--token': 'GREEN_API_TOKEN, --token-file <path> (- is stdin), or wait to be asked',
  '--api-key': 'QRCAST_API_KEY, or wait to be asked',
  '--webhook-token': 'QRCAST_WEBHOOK_TOKEN, or wait to be asked',
  '--password': 'QRCAST_ACCOUNT_PASSWORD, --password-file <path>, or wait to be asked',
};

export function usageError(detail: string): LoginError {
  return new LoginError('usage', detail, EXITS.usage.code);
}

/** @throws {LoginError} `usage`, with a text for the person who typed the command */
export function parseCommand(argv: readonly string[]): Command {
  refuseSecrets(argv);
  const { values, positionals } = parse(argv);
  refuseInvisible(values);
  if (values.help === true || positionals[0] === 'help') return { kind: 'help' };
  if (values.version === true) return { kind: 'version' };
  if (positionals[0] === 'rotate-keys') return rotateKeys(positionals, values);
  if (positionals[0] === 'webhook') return webhook(positionals, values);
  if (positionals[0] === 'doctor') return doctor(positionals, values);
  if (positionals[0] !== 'login') {
    throw usageError(
      'expected a command: qrcast login --id <instanceId>, qrcast webhook --gateway <url>, qrcast doctor, or qrcast rotate-keys; `qrcast --help` tells the rest',
    );
  }
  requireOwn(values, { check: 'rotate-keys', session: 'webhook', set: 'webhook', 'replace-url': 'webhook' });
  if (positionals.length > 1) {
    throw usageError('unexpected words after `login`; every value has a name, as in --id 1101000001');
  }
  return {
    kind: 'login',
    arguments: {
      instanceId: instanceIdOf(values.id),
      apiUrl: apiUrlOf(values['api-url']),
      tokenFile: pathOf('--token-file', values['token-file']),
      passwordFile: pathOf('--password-file', values['password-file']),
      gateway: gatewayOf(values.gateway),
      json: values.json === true,
      relink: values.relink === true,
      expectedPhone: phoneOf(values['expected-phone']),
      timeoutSeconds: timeoutOf(values.timeout),
    },
  };
}

type Values = ReturnType<typeof parse>['values'];

/** @throws {LoginError} `usage` for an option of another command */
function requireOwn(values: Values, others: Readonly<Partial<Record<keyof Values, string>>>): void {
  for (const [name, command] of Object.entries(others)) {
    if (values[name as keyof Values] !== undefined) throw usageError(`--${name} belongs to ${command}`); // its own keys
  }
}

function webhook(positionals: readonly string[], values: Values): Command {
  if (positionals.length > 1) throw usageError('unexpected words after `webhook`; every value has a name, as in --session ses_…');
  requireOwn(values, { check: 'rotate-keys', relink: 'login', 'expected-phone': 'login', timeout: 'login', 'password-file': 'login' });
  const gateway = gatewayOf(values.gateway);
  if (gateway === undefined)
    throw usageError('--gateway is missing: give the address of a running gateway, like --gateway https://qrcast.example.com');
  if ((values.session === undefined) === (values.id === undefined)) {
    throw usageError('expected either --session with the id of a session, or --id with the id of an instance');
  }
  if (values['replace-url'] === true && values.set !== true) throw usageError('--replace-url belongs to --set');
  return {
    kind: 'webhook',
    arguments: {
      gateway,
      sessionId: sessionIdOf(values.session),
      instanceId: values.id === undefined ? undefined : instanceIdOf(values.id),
      apiUrl: apiUrlOf(values['api-url']),
      tokenFile: pathOf('--token-file', values['token-file']),
      isSet: values.set === true,
      isReplacing: values['replace-url'] === true,
      json: values.json === true,
    },
  };
}

function sessionIdOf(value: string | undefined): string | undefined {
  if (value === undefined || /^[\w-]{1,64}$/.test(value)) return value;
  throw wrong('--session', 'the id of a session, like ses_ln1If9cPrHP2Sui-', value);
}

function rotateKeys(positionals: readonly string[], { check, ...others }: Readonly<Record<string, unknown>>): Command {
  if (positionals.length > 1 || Object.keys(others).length > 0) throw usageError('rotate-keys takes no more than --check');
  return { kind: 'rotate-keys', isCheck: check === true };
}

function doctor(positionals: readonly string[], { json, ...others }: Readonly<Record<string, unknown>>): Command {
  if (positionals.length > 1 || Object.keys(others).length > 0)
    throw usageError('doctor takes no more than --json: it reads the environment');
  return { kind: 'doctor', json: json === true };
}

function refuseSecrets(argv: readonly string[]): void {
  for (const argument of argv) {
    const [name = ''] = argument.split('=', 1);
    const instead = SECRETS[name];
    if (instead === undefined) continue;
    throw usageError(
      `${name} is not taken: whoever looks at the machine's processes could read the secret, and the shell keeps it. Use ${instead}`,
    );
  }
}

/**
 * Options without a rule here: the file system judges paths, and a phone number may have whatever a
 * contact list puts around it.
 */
const MAY_HOLD_ANYTHING: ReadonlySet<string> = new Set(['token-file', 'password-file', 'expected-phone']);

function refuseInvisible(values: Values): void {
  for (const [name, value] of Object.entries(values)) {
    const fault = typeof value === 'string' && !MAY_HOLD_ANYTHING.has(name) ? invisibleFault(value) : null;
    if (fault !== null) throw usageError(`--${name}: ${fault}`);
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    // Its first sentence names the option. The rest is advice for another problem.
    const [sentence = ''] = (error as Error).message.split(/\. |\n/);
    throw usageError(`${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}; qrcast --help lists the options`);
  }
}

function instanceIdOf(value: string | undefined): string {
  if (value === undefined) throw usageError('--id is missing: give the id of the instance, like --id 1101000001');
  if (!INSTANCE_ID.test(value)) throw wrong('--id', '4 to 20 digits', value);
  return value;
}

function apiUrlOf(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const origin = parseApiUrl(value.includes('://') ? value : `https://${value}`);
  if (origin === null || !isAllowedUpstream(origin, [...DEFAULT_UPSTREAM_HOSTS, origin])) {
    throw wrong('--api-url', "the provider's host, like 1103.api.green-api.com or http://127.0.0.1:4000", value);
  }
  return origin;
}

function gatewayOf(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const url = URL.parse(value);
  const isPlain = url !== null && /^https?:$/.test(url.protocol) && `${url.username}${url.password}${url.search}${url.hash}` === '';
  if (!isPlain) throw wrong('--gateway', 'its address, like https://qrcast.example.com', value);
  return value.replace(/\/+$/, '');
}

function phoneOf(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const reading = readPhone(value);
  if (reading.kind === 'refused') throw usageError(`--expected-phone: ${reading.rule} (came: text of ${value.length} characters)`);
  return reading.digits;
}

function timeoutOf(value: string | undefined): number {
  if (value === undefined) return DEFAULT_TIMEOUT_SECONDS;
  const seconds = /^\d{1,5}$/.test(value) ? Number(value) : 0;
  if (seconds < 1 || seconds > MAX_TIMEOUT_SECONDS) throw wrong('--timeout', `1 to ${MAX_TIMEOUT_SECONDS} seconds`, value);
  return seconds;
}

function pathOf(name: string, value: string | undefined): string | undefined {
  if (value === '') throw wrong(name, 'a path, or - for stdin', value);
  return value;
}

function wrong(name: string, expected: string, value: string): LoginError {
  return usageError(`${name}: expected ${expected} (came: text of ${value.length} characters)`);
}
