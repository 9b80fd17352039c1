/**
 * The command line of `qrcast`: every command with its options. No option takes a secret: everybody
 * on the machine can read the arguments of a process.
 */

import { parseArgs } from 'node:util';
import { invisibleFault } from '@qrcast/core/invisible';
import {
  apiUrlOf,
  gatewayOf,
  instanceIdOf,
  neededGatewayOf,
  pathOf,
  phoneOf,
  sessionIdOf,
  tenantIdOf,
  timeoutOf,
  usageError,
} from './option-rules.ts';
import { type TenantsAction, tenantsActionOf } from './tenants-arguments.ts';

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

export interface TenantsArguments {
  /** A running gateway, without a slash at the end. */
  readonly gateway: string;
  readonly action: TenantsAction;
  readonly json: boolean;
}

export interface TopArguments {
  /** A running gateway, without a slash at the end. */
  readonly gateway: string;
  /** Whose sessions. Those of the API key's tenant, or with the admin key those of others. */
  readonly scope: { readonly kind: 'own' | 'all' } | { readonly kind: 'tenant'; readonly tenantId: string };
  readonly once: boolean;
  readonly json: boolean;
}

export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'login'; readonly arguments: LoginArguments }
  | { readonly kind: 'webhook'; readonly arguments: WebhookArguments }
  | { readonly kind: 'tenants'; readonly arguments: TenantsArguments }
  | { readonly kind: 'top'; readonly arguments: TopArguments }
  | { readonly kind: 'rotate-keys'; readonly isCheck: boolean }
  | { readonly kind: 'doctor'; readonly json: boolean };

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
  name: { type: 'string' },
  all: { type: 'boolean' },
  tenant: { type: 'string' },
  once: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const;

/** Options that people try, and where to give the value instead. */
const SECRETS: Readonly<Record<string, string>> = {
  '--token': 'GREEN_API_TOKEN, --token-file <path> (- is stdin), or wait to be asked',
  '--api-key': 'QRCAST_API_KEY, or wait to be asked',
  '--admin-key': 'QRCAST_ADMIN_KEY, or wait to be asked',
  '--webhook-token': 'QRCAST_WEBHOOK_TOKEN, or wait to be asked',
  '--password': 'QRCAST_ACCOUNT_PASSWORD, --password-file <path>, or wait to be asked',
};

/** @throws {LoginError} `usage`, with a text for the person who typed the command */
export function parseCommand(argv: readonly string[]): Command {
  refuseSecrets(argv);
  const { values, positionals } = parse(argv);
  refuseInvisible(values);
  if (values.help === true || positionals[0] === 'help') return { kind: 'help' };
  if (values.version === true) return { kind: 'version' };
  if (positionals[0] === 'rotate-keys') return rotateKeys(positionals, values);
  if (positionals[0] === 'webhook') return webhook(positionals, values);
  if (positionals[0] === 'tenants') return tenants(positionals, values);
  if (positionals[0] === 'top') return top(positionals, values);
  if (positionals[0] === 'doctor') return doctor(positionals, values);
  if (positionals[0] !== 'login') {
    throw usageError(
      'expected a command: qrcast login --id <instanceId>, qrcast webhook --gateway <url>, qrcast tenants list, qrcast top --gateway <url>, qrcast doctor, or qrcast rotate-keys; `qrcast --help` tells the rest',
    );
  }
  requireOwn(values, { ...OF_OTHERS, session: 'webhook', set: 'webhook', 'replace-url': 'webhook' });
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

/** Options of commands which neither `login` nor `webhook` has. */
const OF_OTHERS = { check: 'rotate-keys', name: 'tenants', all: 'top', tenant: 'top', once: 'top' } as const;

/** @throws {LoginError} `usage` for an option of another command */
function requireOwn(values: Values, others: Readonly<Partial<Record<keyof Values, string>>>): void {
  for (const [name, command] of Object.entries(others)) {
    if (values[name as keyof Values] !== undefined) throw usageError(`--${name} belongs to ${command}`); // its own keys
  }
}

function webhook(positionals: readonly string[], values: Values): Command {
  if (positionals.length > 1) throw usageError('unexpected words after `webhook`; every value has a name, as in --session ses_…');
  requireOwn(values, {
    ...OF_OTHERS,
    relink: 'login',
    'expected-phone': 'login',
    timeout: 'login',
    'password-file': 'login',
  });
  const gateway = neededGatewayOf(values.gateway);
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

function tenants(positionals: readonly string[], { gateway, json, name, ...others }: Values): Command {
  for (const option of Object.keys(others)) throw usageError(`--${option} does not belong to tenants`); // its own keys
  const action = tenantsActionOf(positionals.slice(1), name);
  return { kind: 'tenants', arguments: { gateway: neededGatewayOf(gateway), action, json: json === true } };
}

function top(positionals: readonly string[], { gateway, json, all, tenant, once, ...others }: Values): Command {
  if (positionals.length > 1) throw usageError('unexpected words after `top`; every value has a name, as in --tenant acme');
  for (const option of Object.keys(others)) throw usageError(`--${option} does not belong to top`); // its own keys
  if (all === true && tenant !== undefined) throw usageError('expected either --all or --tenant with the id of a tenant');
  const kind = all === true ? 'all' : 'own';
  const scope = tenant === undefined ? ({ kind } as const) : ({ kind: 'tenant', tenantId: tenantIdOf(tenant) } as const);
  return { kind: 'top', arguments: { gateway: neededGatewayOf(gateway), scope, once: once === true, json: json === true } };
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
