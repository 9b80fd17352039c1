/**
 * The address that the provider notifies, and the mistakes people make when they type it: a slash
 * too many, `/V1/`, no tenant. The provider retries such an address again and again, and holds back
 * everything that follows. So the answer says what is wrong. It depends on the form of the address
 * alone, so it does not tell whether a tenant exists.
 */

import { TENANT_ID } from './credential-forms.ts';
import { percentDecoded } from './percent-encoding.ts';

/** What is wrong. Each text follows the words "the path". */
export const NOTIFICATION_MISSES = {
  percent_encoded: 'contains a percent-encoded character',
  secret_in_query: 'has a secret behind its ?, where logs keep it; it belongs into webhookUrlToken',
  unreadable_query: 'has something behind its ? that cannot be read',
  double_slash: 'has two slashes in a row',
  wrong_case: 'differs in upper and lower case',
  no_tenant: 'names no tenant',
  extra_segment: 'continues after the tenant id',
  no_tenant_id: 'names a tenant with an invalid id (expected 1 to 63 characters of a-z 0-9 _ -)',
  other_method: 'is right, but the method is not POST',
  other_path: 'is a different one',
} as const;

export type NotificationMiss = keyof typeof NOTIFICATION_MISSES;

/**
 * @param publicUrl where the provider reaches the gateway, without a slash at its end; empty if
 *   that is not known
 */
export function notificationUrl(publicUrl: string, tenantId: string): string {
  return `${publicUrl}${BASE}/${tenantId}`;
}

/**
 * Null for the right address, which may end in one slash, and for a path that is not meant to be
 * this address.
 * @param path as it came, without a query
 */
export function judgeNotificationPath(method: string, path: string): NotificationMiss | null {
  const meant = (percentDecoded(path) ?? path).toLowerCase().replace(/[/\\]+/g, '/');
  if (OTHER_CALLS.test(meant) || !NAMES.test(meant)) return null;
  if (path.includes('%')) return 'percent_encoded';
  if (path.includes('//')) return 'double_slash';
  if (path.includes('\\')) return 'other_path';
  const [, tenantId = null, more = ''] = FORM.exec(path) ?? [];
  if (tenantId === null) return FORM.test(meant) ? 'wrong_case' : BARE.test(meant) ? 'no_tenant' : 'other_path';
  if (more !== '') return 'extra_segment';
  if (!TENANT_ID.test(tenantId)) return TENANT_ID.test(tenantId.toLowerCase()) ? 'wrong_case' : 'no_tenant_id';
  return method === 'POST' ? null : 'other_method';
}

/** True for the right address, with or without a slash at its end. */
export function isNotificationPath(path: string): boolean {
  const [, tenantId = '', more = ''] = FORM.exec(path) ?? [];
  return more === '' && TENANT_ID.test(tenantId);
}

const BASE = '/v1/webhooks/green-api';
const BARE = /^\/v1\/webhooks\/green-api\/?$/;
const FORM = /^\/v1\/webhooks\/green-api\/([^/]+)\/?(.*)$/;
/** Found in every path that is meant to be this address. */
const NAMES = /\/\s*(webhooks?|green[-_]?api)\b/;
/**
 * These calls are other ones, although a session has a `webhook` and a tenant may have any of these
 * names.
 */
const OTHER_CALLS = /^\/(v1\/(sessions|tickets|admin|callbacks|audit|ws)|connect|docs|socket\.io)\//;
