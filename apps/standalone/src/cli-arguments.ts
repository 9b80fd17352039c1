/**
 * The command line of `qrcast`: every option with its rule. No message repeats a value, for people paste tokens into the wrong place, and no
 * secret is taken from here at all: the arguments of a process are everybody's to read.
 */

import { parseArgs } from 'node:util';
import { INSTANCE_ID } from '@qrcast/core/credential-forms';
import { readPhone } from '@qrcast/core/phone';
import { DEFAULT_UPSTREAM_HOSTS, isAllowedUpstream, parseApiUrl } from '@qrcast/core/upstream';
import { EXITS, LoginError } from './login-ending.ts';

export interface LoginArguments {
  readonly instanceId: string;
  /** The provider's host as an origin; undefined where the instance's id tells it. */
  readonly apiUrl: string | undefined;
  /** `-` is stdin. */
  readonly tokenFile: string | undefined;
  readonly passwordFile: string | undefined;
  /** A running gateway, without a slash at the end; undefined: one of our own. */
  readonly gateway: string | undefined;
  readonly json: boolean;
  readonly relink: boolean;
  /** Digits only. */
  readonly expectedPhone: string | undefined;
  readonly timeoutSeconds: number;
}

export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'login'; readonly arguments: LoginArguments }
  | { readonly kind: 'rotate-keys'; readonly isCheck: boolean };

export const DEFAULT_TIMEOUT_SECONDS = 600;
/** Half of the longest life of a ticket: the session and the ticket must outlast the wait. */
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
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const;

/** What people try, and where it belongs. */
const SECRETS: Readonly<Record<string, string>> = {
  '--token': 'GREEN_API_TOKEN, --token-file <path> (- is stdin), or wait to be asked',
  '--api-key': 'QRCAST_API_KEY, or wait to be asked',
  '--password': 'QRCAST_ACCOUNT_PASSWORD, --password-file <path>, or wait to be asked',
};

export function usageError(detail: string): LoginError {
  return new LoginError('usage', detail, EXITS.usage.code);
}

/** @throws {LoginError} `usage`, in words for whoever typed it. */
export function parseCommand(argv: readonly string[]): Command {
  refuseSecrets(argv);
  const { values, positionals } = parse(argv);
  if (values.help === true || positionals[0] === 'help') return { kind: 'help' };
  if (values.version === true) return { kind: 'version' };
  if (positionals[0] === 'rotate-keys') return rotateKeys(positionals, values);
  if (positionals[0] !== 'login') throw usageError('expected a command: qrcast login --id <instanceId>, or qrcast rotate-keys');
  if (values.check !== undefined) throw usageError('--check belongs to rotate-keys');
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

function rotateKeys(positionals: readonly string[], { check, ...others }: Readonly<Record<string, unknown>>): Command {
  if (positionals.length > 1 || Object.keys(others).length > 0) throw usageError('rotate-keys takes no more than --check');
  return { kind: 'rotate-keys', isCheck: check === true };
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

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    // Its first sentence names the option; what follows is advice for another problem.
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
