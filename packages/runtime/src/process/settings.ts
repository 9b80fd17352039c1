/** Settings from the environment: each with its rule, and all faults told at once. A value is never repeated, for it may be a secret. */

import { ANY_PUBLIC_HOST, DEFAULT_CALLBACK_HOSTS } from '@qrcast/core/callback-address';
import { API_TOKEN, INSTANCE_ID } from '@qrcast/core/credential-forms';
import type { ProxyRoute } from '@qrcast/core/http-proxy';
import { invisibleFault } from '@qrcast/core/invisible';
import { parsePublicUrl, pathPrefixOf } from '@qrcast/core/public-url';
import { DEFAULT_POLICY, MIN_SPACING_MS, type Policy } from '@qrcast/core/schedule';
import {
  ADDRESS_LIMITS,
  type AddressLimit,
  type AddressLimits,
  MAX_LIMIT,
  TENANT_LIMITS,
  type TenantLimit,
  type TenantLimits,
} from '@qrcast/core/tenant-limits';
import { parseUpstreamRule } from '@qrcast/core/upstream';
import { z } from 'zod';
import { type AuditLimits, DEFAULT_AUDIT_LIMITS } from '../audit/audit-log.ts';
import { weaknessOfText } from '../keyring/key-strength.ts';
import { parseKeyring } from '../keyring/keyring.ts';
import { LOG_LEVELS } from '../log.ts';
import { DEFAULT_NAMESPACE } from '../redis/keys.ts';
import { parseAddressRange } from './address-range.ts';
import { type Environment, hiddenNameFaults, readVariable } from './environment.ts';
import { httpProxy, noProxy, proxyRoute, variableOf } from './proxy-settings.ts';

/** A whole number within bounds, with a unit for the message. */
const whole = (min: number, max: number, unit: string) =>
  z
    .string()
    .regex(/^\d{1,15}$/, `expected a whole number from ${min} to ${max} (${unit})`)
    .transform(Number)
    .pipe(z.number().min(min, `expected at least ${min} (${unit})`).max(max, `expected at most ${max} (${unit})`));

const commaList = z.string().transform((text) =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== ''),
);

const hostList = (isKnown: (entry: string) => boolean, expected: string) =>
  commaList.superRefine((entries, context) => {
    for (const [i, entry] of entries.entries()) {
      if (!isKnown(entry)) context.addIssue({ code: 'custom', message: `entry ${i + 1}: expected ${expected}`, input: '' });
    }
  });

const upstreamHosts = hostList((entry) => parseUpstreamRule(entry) !== null, 'a host, *.host, https://host or http://127.0.0.1:port');
const callbackHosts = hostList(
  (entry) => entry === ANY_PUBLIC_HOST || parseUpstreamRule(entry) !== null,
  '* (every public host), a host, *.host, https://host or http://127.0.0.1:port',
);

const limit = (name: TenantLimit) => whole(0, MAX_LIMIT, TENANT_LIMITS[name].words).default(TENANT_LIMITS[name].default);
const addressLimit = (name: AddressLimit) => whole(1, MAX_LIMIT, ADDRESS_LIMITS[name].words).default(ADDRESS_LIMITS[name].default);

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Two years. */
const MAX_HSTS_SECONDS = 63_072_000;

/** Every setting of every role: name → how its text becomes a value. A role picks those it reads. */
export const SETTINGS = {
  PORT: whole(0, 65_535, 'a TCP port').default(3000),
  REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\/[^\s,]+$/, 'expected redis://[user:password@]host:port[/database] or rediss://…')
    .optional(),
  QRCAST_NAMESPACE: z
    .string()
    .regex(/^[a-z0-9-]{1,32}$/, 'expected 1 to 32 of a-z 0-9 -')
    .default(DEFAULT_NAMESPACE),
  QRCAST_ADMIN_KEY: z
    .string()
    .min(24, 'expected at least 24 characters')
    .max(4_096, 'expected at most 4096 characters')
    .regex(/^[\x21-\x7e]*$/, 'expected letters, digits and signs of ASCII without spaces: a header can bear nothing else')
    .superRefine((text, context) => {
      const weakness = weaknessOfText(text);
      if (weakness !== null) context.addIssue({ code: 'custom', message: `${weakness}; make one with openssl rand -hex 24`, input: '' });
    })
    .optional(),
  QRCAST_SECRET_KEYS: z
    .string()
    .transform((text, context) => {
      try {
        return parseKeyring(text);
      } catch (error) {
        context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : 'not a keyring', input: '' });
        return z.NEVER;
      }
    })
    .optional(),
  QRCAST_UPSTREAM_HOSTS: upstreamHosts.optional(),
  QRCAST_CALLBACK_HOSTS: callbackHosts.default([...DEFAULT_CALLBACK_HOSTS]),
  QRCAST_CALLBACK_PROXY: httpProxy.optional(),
  HTTPS_PROXY: httpProxy.optional(),
  NO_PROXY: noProxy.optional(),
  QRCAST_PUBLIC_URL: z
    .string()
    .transform((text, context) => {
      const parsed = parsePublicUrl(text);
      if (parsed.kind === 'url') return parsed.url;
      context.addIssue({ code: 'custom', message: parsed.fault, input: '' });
      return z.NEVER;
    })
    .optional(),
  QRCAST_HSTS_SECONDS: whole(0, MAX_HSTS_SECONDS, 'seconds').optional(),
  QRCAST_POLL_INTERVAL_MS: whole(MIN_SPACING_MS, HOUR_MS, 'ms').default(DEFAULT_POLICY.intervalMs),
  QRCAST_ATTEMPT_MS: whole(5_000, HOUR_MS, 'ms').default(DEFAULT_POLICY.attemptMs),
  QRCAST_CODE_TTL_MS: whole(1_000, HOUR_MS, 'ms').default(DEFAULT_POLICY.codeTtlMs),
  QRCAST_UNWATCHED_GRACE_MS: whole(1_000, HOUR_MS, 'ms').default(15_000),
  QRCAST_TENANT_SESSIONS: limit('sessions'),
  QRCAST_TENANT_VIEWERS: limit('viewers'),
  QRCAST_TENANT_VIEWERS_PER_SESSION: limit('viewersPerSession'),
  QRCAST_TENANT_REQUESTS_PER_MINUTE: limit('requestsPerMinute'),
  QRCAST_TENANT_HANDSHAKES_PER_MINUTE: limit('handshakesPerMinute'),
  QRCAST_TENANT_WEBHOOK_CALLS_PER_MINUTE: limit('webhookCallsPerMinute'),
  QRCAST_HANDSHAKES_PER_ADDRESS_PER_MINUTE: addressLimit('handshakesPerAddressPerMinute'),
  QRCAST_FAILURES_PER_ADDRESS_PER_MINUTE: addressLimit('failuresPerAddressPerMinute'),
  QRCAST_TRUSTED_PROXIES: hostList(
    (entry) => parseAddressRange(entry) !== null,
    'an address or a range like 10.0.0.0/8 or fd00::/8',
  ).default([]),
  QRCAST_MAX_CONNECTIONS: whole(1, 1_000_000, 'connections').default(20_000),
  QRCAST_DRAIN_MS: whole(0, 600_000, 'ms').default(25_000),
  QRCAST_AUDIT_ENTRIES: whole(100, 10_000_000, 'entries').default(DEFAULT_AUDIT_LIMITS.entries),
  QRCAST_AUDIT_DAYS: whole(1, 3_650, 'days').default(DEFAULT_AUDIT_LIMITS.keepMs / DAY_MS),
  QRCAST_LOG_LEVEL: z.enum(LOG_LEVELS, `expected one of ${LOG_LEVELS.join(', ')}`).default('info'),
  QRCAST_WORKER_CONCURRENCY: whole(1, 100_000, 'requests').default(1_000),
  QRCAST_HOST_CONCURRENCY: whole(1, 100_000, 'requests').default(500),
  GREEN_API_ID_INSTANCE: z.string().regex(INSTANCE_ID, 'expected 4 to 20 digits').optional(),
  GREEN_API_TOKEN: z.string().regex(API_TOKEN, 'expected 8 to 256 characters of A-Z a-z 0-9 _ -').optional(),
  GREEN_API_URL: z.string().max(256).optional(),
} as const;

export type SettingName = keyof typeof SETTINGS;

/** What every role that works on sessions reads. */
export const ROLE_SETTINGS = [
  'PORT',
  'REDIS_URL',
  'QRCAST_NAMESPACE',
  'QRCAST_SECRET_KEYS',
  'QRCAST_UPSTREAM_HOSTS',
  'QRCAST_CALLBACK_HOSTS',
  'HTTPS_PROXY',
  'NO_PROXY',
  'QRCAST_POLL_INTERVAL_MS',
  'QRCAST_ATTEMPT_MS',
  'QRCAST_CODE_TTL_MS',
  'QRCAST_DRAIN_MS',
  'QRCAST_AUDIT_ENTRIES',
  'QRCAST_AUDIT_DAYS',
  'QRCAST_LOG_LEVEL',
] as const satisfies readonly SettingName[];

/** What a gateway reads besides. */
export const GATEWAY_SETTINGS = [
  'QRCAST_ADMIN_KEY',
  'QRCAST_PUBLIC_URL',
  'QRCAST_HSTS_SECONDS',
  'QRCAST_UNWATCHED_GRACE_MS',
  'QRCAST_MAX_CONNECTIONS',
  'QRCAST_TENANT_SESSIONS',
  'QRCAST_TENANT_VIEWERS',
  'QRCAST_TENANT_VIEWERS_PER_SESSION',
  'QRCAST_TENANT_REQUESTS_PER_MINUTE',
  'QRCAST_TENANT_HANDSHAKES_PER_MINUTE',
  'QRCAST_TENANT_WEBHOOK_CALLS_PER_MINUTE',
  'QRCAST_HANDSHAKES_PER_ADDRESS_PER_MINUTE',
  'QRCAST_FAILURES_PER_ADDRESS_PER_MINUTE',
  'QRCAST_TRUSTED_PROXIES',
] as const satisfies readonly SettingName[];

/** What a worker reads besides. */
export const WORKER_SETTINGS = [
  'QRCAST_CALLBACK_PROXY',
  'QRCAST_WORKER_CONCURRENCY',
  'QRCAST_HOST_CONCURRENCY',
] as const satisfies readonly SettingName[];

export type Settings<Name extends SettingName> = { readonly [N in Name]: z.output<(typeof SETTINGS)[N]> };

export type RoleSettings = Settings<(typeof ROLE_SETTINGS)[number]>;

/** The settings that every role's options name alike. */
export function roleOptions(settings: RoleSettings): {
  readonly namespace: string;
  readonly policy: Policy;
  readonly auditLimits: AuditLimits;
  readonly callbackHosts: readonly string[];
  readonly proxyRoute: ProxyRoute | null;
} {
  return {
    namespace: settings.QRCAST_NAMESPACE,
    auditLimits: { entries: settings.QRCAST_AUDIT_ENTRIES, keepMs: settings.QRCAST_AUDIT_DAYS * DAY_MS },
    callbackHosts: settings.QRCAST_CALLBACK_HOSTS,
    proxyRoute: proxyRoute(settings.HTTPS_PROXY, settings.NO_PROXY),
    policy: {
      intervalMs: settings.QRCAST_POLL_INTERVAL_MS,
      codeTtlMs: settings.QRCAST_CODE_TTL_MS,
      attemptMs: settings.QRCAST_ATTEMPT_MS,
    },
  };
}

/** Where a gateway is reached, and what it tells browsers about that. */
export function addressOptions(settings: Settings<(typeof GATEWAY_SETTINGS)[number]>): {
  readonly publicUrl: string | undefined;
  readonly hstsSeconds: number | undefined;
} {
  return { publicUrl: settings.QRCAST_PUBLIC_URL, hstsSeconds: settings.QRCAST_HSTS_SECONDS };
}

/** The limits a gateway keeps to, and whom it believes where a request came from. */
export function limitOptions(settings: Settings<(typeof GATEWAY_SETTINGS)[number]>): {
  readonly tenantLimits: TenantLimits;
  readonly addressLimits: AddressLimits;
  readonly trustedProxies: readonly string[];
} {
  return {
    tenantLimits: {
      sessions: settings.QRCAST_TENANT_SESSIONS,
      viewers: settings.QRCAST_TENANT_VIEWERS,
      viewersPerSession: settings.QRCAST_TENANT_VIEWERS_PER_SESSION,
      requestsPerMinute: settings.QRCAST_TENANT_REQUESTS_PER_MINUTE,
      handshakesPerMinute: settings.QRCAST_TENANT_HANDSHAKES_PER_MINUTE,
      webhookCallsPerMinute: settings.QRCAST_TENANT_WEBHOOK_CALLS_PER_MINUTE,
    },
    addressLimits: {
      handshakesPerAddressPerMinute: settings.QRCAST_HANDSHAKES_PER_ADDRESS_PER_MINUTE,
      failuresPerAddressPerMinute: settings.QRCAST_FAILURES_PER_ADDRESS_PER_MINUTE,
    },
    trustedProxies: settings.QRCAST_TRUSTED_PROXIES,
  };
}

/** Says which variables are wrong, what kind of value came, and the rule. */
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

/**
 * The named settings; `required` ones must be set. An empty variable counts as unset, and one with an invisible character as wrong.
 * @throws {SettingsError} with every fault.
 */
export function readSettings<Name extends SettingName, Need extends Name = never>(
  env: Environment,
  names: readonly Name[],
  required: readonly Need[] = [],
): Settings<Name> & { readonly [N in Need]: NonNullable<Settings<Name>[N]> } {
  const faults: string[] = [];
  const values: Partial<Record<SettingName, unknown>> = {};
  for (const name of names) {
    const variable = variableOf(env, name);
    const text = readVariable(env, variable);
    if (text === undefined && (required as readonly SettingName[]).includes(name)) {
      faults.push(`${name}: is not set; ${REMEDIES[name] ?? 'it is required'}`);
      continue;
    }
    const unseen = invisibleFault(text ?? '');
    const result = SETTINGS[name].safeParse(text, { reportInput: false });
    if (unseen !== null) faults.push(`${variable}: ${unseen}`);
    else if (result.success) values[name] = result.data;
    else
      faults.push(
        `${variable}: ${result.error.issues.map((issue) => issue.message).join('; ')} (came: text of ${text?.length ?? 0} characters)`,
      );
  }
  const isSet = (name: SettingName): boolean => readVariable(env, name) !== undefined;
  faults.push(...hiddenNameFaults(env, names));
  faults.push(...crossFaults(values as Partial<Settings<SettingName>>));
  if ((names as readonly SettingName[]).includes('GREEN_API_TOKEN') && isSet('GREEN_API_ID_INSTANCE') !== isSet('GREEN_API_TOKEN')) {
    faults.push('GREEN_API_ID_INSTANCE and GREEN_API_TOKEN: expected both (the real provider is polled) or neither (a simulated one)');
  }
  if (faults.length > 0) throw new SettingsError(faults);
  return Object.freeze(values) as ReturnType<typeof readSettings<Name, Need>>; // every name was parsed by its own schema above
}

const REMEDIES: Partial<Record<SettingName, string>> = {
  REDIS_URL: 'give the Redis this role works over, like redis://127.0.0.1:6379',
  QRCAST_SECRET_KEYS: 'give id:base64 of at least 32 random bytes, as from: echo "k1:$(openssl rand -base64 32)"',
};

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
  return hstsFault === null ? faults : [...faults, hstsFault];
}

/** The header holds for the whole host, and browsers keep to it for as long as it says. */
function faultOfHsts({ QRCAST_HSTS_SECONDS: seconds = 0, QRCAST_PUBLIC_URL: url }: Partial<Settings<SettingName>>): string | null {
  if (seconds === 0) return null;
  if (url?.startsWith('https:') !== true) return 'QRCAST_HSTS_SECONDS: expected an https:// address in QRCAST_PUBLIC_URL, or 0';
  if (pathPrefixOf(url) === '') return null;
  return 'QRCAST_HSTS_SECONDS: expected 0, since QRCAST_PUBLIC_URL has a path: this header would bind the whole host; set it at the proxy';
}
