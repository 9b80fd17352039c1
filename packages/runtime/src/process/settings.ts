/**
 * Reads settings from the environment. All faults are reported at once. A value is never repeated,
 * because it may be a secret.
 */

import { invisibleFault } from '@qrcast/core/invisible';
import { pathPrefixOf } from '@qrcast/core/public-url';
import { type Environment, hiddenNameFaults, readSecret, readVariable } from './environment.ts';
import { variableOf } from './proxy-settings.ts';
import { isSecret, SETTINGS, type SettingName, type Settings } from './settings-table.ts';

/** Its message and `faults` name each variable, the rule it breaks, and the length of what came. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(
      `${faults.length === 1 ? 'a setting is' : `${faults.length} settings are`} not usable:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    );
    this.faults = faults;
  }
}

type ReadSettings<Name extends SettingName, Need extends Name> = Settings<Name> & {
  readonly [N in Need]: NonNullable<Settings<Name>[N]>;
};

/**
 * Reads the settings of these names; those in `required` must be set. An empty variable counts as
 * unset. A secret may be in the file that `NAME_FILE` names. A variable with an invisible character is refused. @throws {SettingsError} with all
 * faults.
 */
export function readSettings<Name extends SettingName, Need extends Name = never>(
  env: Environment,
  names: readonly Name[],
  required: readonly Need[] = [],
): ReadSettings<Name, Need> {
  const faults: string[] = [];
  const values: Partial<Record<SettingName, unknown>> = {};
  for (const name of names) {
    const isRequired = (required as readonly SettingName[]).includes(name);
    const read = readSetting(env, name, isRequired);
    if ('fault' in read) faults.push(read.fault);
    else values[name] = read.value;
  }
  faults.push(...hiddenNameFaults(env, names));
  faults.push(...crossFaults(values as Partial<Settings<SettingName>>));
  if ((names as readonly SettingName[]).includes('GREEN_API_TOKEN')) faults.push(...faultsOfInstance(env));
  if (faults.length > 0) throw new SettingsError(faults);
  return Object.freeze(values) as ReadSettings<Name, Need>; // every name was parsed by its own schema above
}

function readSetting(env: Environment, name: SettingName, isRequired: boolean): { readonly value: unknown } | { readonly fault: string } {
  const variable = variableOf(env, name);
  const read = isSecret(name) ? readSecret(env, variable) : { text: readVariable(env, variable) };
  if ('fault' in read) return read;
  const { text } = read;
  if (text === undefined && isRequired) return { fault: `${name}: is not set; ${REMEDIES[name] ?? 'it is required'}` };
  const invisible = invisibleFault(text ?? '');
  if (invisible !== null) return { fault: `${variable}: ${invisible}` };
  const result = SETTINGS[name].schema.safeParse(text, { reportInput: false });
  if (result.success) return { value: result.data };
  const rules = result.error.issues.map((issue) => issue.message).join('; ');
  return { fault: `${variable}: ${rules} (came: text of ${text?.length ?? 0} characters)` };
}

const REMEDIES: Partial<Record<SettingName, string>> = {
  REDIS_URL: 'set it to the Redis server of the installation, like redis://127.0.0.1:6379',
  QRCAST_SECRET_KEYS: 'set it to id:base64 of at least 32 random bytes, as from: echo "k1:$(openssl rand -base64 32)"',
};

function faultsOfInstance(env: Environment): string[] {
  const token = readSecret(env, 'GREEN_API_TOKEN');
  if ('fault' in token) return []; // it is reported where the token is read
  const hasId = readVariable(env, 'GREEN_API_ID_INSTANCE') !== undefined;
  if (hasId === (token.text !== undefined)) return [];
  return ['GREEN_API_ID_INSTANCE and GREEN_API_TOKEN: expected both (the real provider is polled) or neither (a simulated one)'];
}

/** Rules between settings. */
function crossFaults(values: Partial<Settings<SettingName>>): string[] {
  const { QRCAST_CODE_TTL_MS: ttl, QRCAST_POLL_INTERVAL_MS: interval, QRCAST_ATTEMPT_MS: attempt } = values;
  const faults: string[] = [];
  if (ttl !== undefined && interval !== undefined && ttl <= interval) {
    faults.push(`QRCAST_CODE_TTL_MS: ${ttl} must be above QRCAST_POLL_INTERVAL_MS ${interval}, or codes go stale between two polls`);
  }
  if (attempt !== undefined && interval !== undefined && attempt <= interval) {
    faults.push(`QRCAST_ATTEMPT_MS: ${attempt} must be above QRCAST_POLL_INTERVAL_MS ${interval}, or an attempt ends after one poll`);
  }
  const hstsFault = faultOfHsts(values);
  return [...faults, ...faultsOfRedisFiles(values), ...(hstsFault === null ? [] : [hstsFault])];
}

function faultsOfRedisFiles(values: Partial<Settings<SettingName>>): string[] {
  const { REDIS_URL: url, QRCAST_REDIS_CA: ca, QRCAST_REDIS_CERT: cert, QRCAST_REDIS_KEY: key } = values;
  const faults: string[] = [];
  if ((cert === undefined) !== (key === undefined)) faults.push('QRCAST_REDIS_CERT and QRCAST_REDIS_KEY: expected both or neither');
  if ((ca ?? cert ?? key) !== undefined && !/^rediss[:+]/.test(url ?? '')) {
    faults.push(
      'QRCAST_REDIS_CA, QRCAST_REDIS_CERT and QRCAST_REDIS_KEY: expected a rediss:// address in REDIS_URL, because they are for TLS',
    );
  }
  return faults;
}

/** The header binds the whole host, and browsers obey it for the time that it names. */
function faultOfHsts({ QRCAST_HSTS_SECONDS: seconds = 0, QRCAST_PUBLIC_URL: url }: Partial<Settings<SettingName>>): string | null {
  if (seconds === 0) return null;
  if (url?.startsWith('https:') !== true) return 'QRCAST_HSTS_SECONDS: expected an https:// address in QRCAST_PUBLIC_URL, or 0';
  if (pathPrefixOf(url) === '') return null;
  return 'QRCAST_HSTS_SECONDS: expected 0, because QRCAST_PUBLIC_URL has a path: this header would bind the whole host; set it at the proxy';
}
