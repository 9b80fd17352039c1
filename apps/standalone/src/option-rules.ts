/**
 * The rule of each option of `qrcast`. No message repeats a value, because people paste tokens into
 * the wrong place.
 */

import { INSTANCE_ID, TENANT_ID } from '@qrcast/core/credential-forms';
import { readPhone } from '@qrcast/core/phone';
import { DEFAULT_UPSTREAM_HOSTS, isAllowedUpstream, parseApiUrl } from '@qrcast/core/upstream';
import { EXITS, LoginError } from './login/ending.ts';

export const DEFAULT_TIMEOUT_SECONDS = 600;
/** Half of a ticket's longest life, because the session and the ticket must outlast the wait. */
export const MAX_TIMEOUT_SECONDS = 43_200;

export function usageError(detail: string): LoginError {
  return new LoginError('usage', detail, EXITS.usage.code);
}

export function sessionIdOf(value: string | undefined): string | undefined {
  if (value === undefined || /^[\w-]{1,64}$/.test(value)) return value;
  throw wrong('--session', 'the id of a session, like ses_ln1If9cPrHP2Sui-', value);
}

export function instanceIdOf(value: string | undefined): string {
  if (value === undefined) throw usageError('--id is missing: give the id of the instance, like --id 1101000001');
  if (!INSTANCE_ID.test(value)) throw wrong('--id', '4 to 20 digits', value);
  return value;
}

export function apiUrlOf(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const origin = parseApiUrl(value.includes('://') ? value : `https://${value}`);
  if (origin === null || !isAllowedUpstream(origin, [...DEFAULT_UPSTREAM_HOSTS, origin])) {
    throw wrong('--api-url', "the provider's host, like 1103.api.green-api.com or http://127.0.0.1:4000", value);
  }
  return origin;
}

export function gatewayOf(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const url = URL.parse(value);
  const isPlain = url !== null && /^https?:$/.test(url.protocol) && `${url.username}${url.password}${url.search}${url.hash}` === '';
  if (!isPlain) throw wrong('--gateway', 'its address, like https://qrcast.example.com', value);
  return value.replace(/\/+$/, '');
}

/** Of a command that cannot do without. */
export function neededGatewayOf(value: string | undefined): string {
  const gateway = gatewayOf(value);
  if (gateway !== undefined) return gateway;
  throw usageError('--gateway is missing: give the address of a running gateway, like --gateway https://qrcast.example.com');
}

export function phoneOf(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const reading = readPhone(value);
  if (reading.kind === 'refused') throw usageError(`--expected-phone: ${reading.rule} (came: text of ${value.length} characters)`);
  return reading.digits;
}

export function timeoutOf(value: string | undefined): number {
  if (value === undefined) return DEFAULT_TIMEOUT_SECONDS;
  const seconds = /^\d{1,5}$/.test(value) ? Number(value) : 0;
  if (seconds < 1 || seconds > MAX_TIMEOUT_SECONDS) throw wrong('--timeout', `1 to ${MAX_TIMEOUT_SECONDS} seconds`, value);
  return seconds;
}

export function pathOf(name: string, value: string | undefined): string | undefined {
  if (value === '') throw wrong(name, 'a path, or - for stdin', value);
  return value;
}

function wrong(name: string, expected: string, value: string): LoginError {
  return usageError(`${name}: expected ${expected} (came: text of ${value.length} characters)`);
}

export function tenantIdOf(value: string | undefined): string {
  if (value === undefined) throw usageError('the id of the tenant is missing');
  if (!TENANT_ID.test(value)) throw wrong('the id of the tenant', '1 to 63 of a-z 0-9 _ -, beginning with a letter or digit', value);
  return value;
}

export function keyIdOf(value: string | undefined): string {
  if (value === undefined) throw usageError('the id of the key is missing: `qrcast tenants keys list <tenant>` shows the ids');
  if (!/^[\w-]{1,64}$/.test(value)) throw wrong('the id of the key', 'an id like key_3rTgC0Yx8mJb1aQe', value);
  return value;
}
