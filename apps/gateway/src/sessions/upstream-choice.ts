/**
 * Chooses the provider host of a new session: the one that the request names, or the provider's
 * default. Operator and tenant must both allow it.
 */

import { RefusedError } from '@qrcast/core/errors';
import { defaultApiUrl, isAllowedUpstream, parseApiUrl, parsePastedUrl } from '@qrcast/core/upstream';
import type { Tenant } from '../tenants/tenants.ts';

export interface NamedUpstream {
  readonly instanceId: string;
  readonly apiUrl?: string | undefined;
}

/**
 * `upstreamHosts` is the operator's list.
 * @throws {RefusedError} `upstream_not_allowed`, or `invalid_request` if only the form is wrong.
 */
export function upstreamOf(
  tenant: Pick<Tenant, 'upstreamHosts'>,
  { instanceId, apiUrl }: NamedUpstream,
  upstreamHosts: readonly string[],
): string {
  const url = apiUrl === undefined ? defaultApiUrl(instanceId) : parseApiUrl(apiUrl);
  const mayAsk = (one: string | null): one is string =>
    one !== null &&
    isAllowedUpstream(one, upstreamHosts) &&
    (tenant.upstreamHosts === null || isAllowedUpstream(one, tenant.upstreamHosts));
  if (mayAsk(url)) return url;
  if (mayAsk(parsePastedUrl(apiUrl ?? '')))
    throw new RefusedError('invalid_request', 'apiUrl: expected the provider host alone, like https://1101.api.green-api.com');
  throw new RefusedError(
    'upstream_not_allowed',
    'apiUrl: expected an address like https://1101.api.green-api.com, of a host on the allow-list; ask the operator to add yours (QRCAST_UPSTREAM_HOSTS)',
  );
}
