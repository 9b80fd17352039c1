/**
 * `/v1/admin/tenants…`: the operator's calls. A secret is only in the answer to the call that made
 * it.
 */

import { isAllowedCallbackUrl } from '@qrcast/core/callback-address';
import { RefusedError } from '@qrcast/core/errors';
import { notificationUrl } from '@qrcast/core/notification-address';
import { parseRequest } from '@qrcast/core/requests';
import { createTenantSchema, patchTenantSchema } from '@qrcast/core/tenant-requests';
import type { ConnectedInstances } from '@qrcast/runtime/connected/connected';
import type { StatisticsReader } from '@qrcast/runtime/statistics/statistics';
import type { FastifyInstance } from 'fastify';
import type { Auth } from '../auth/auth.ts';
import type { SessionService } from '../sessions/session-service.ts';
import type { Tenants } from '../tenants/tenants.ts';

interface TenantPath {
  Params: { id: string };
}

/** Of a callback or a relay; null removes it. */
type Address = { readonly url: string } | null | undefined;

export interface TenantRoutesDeps {
  readonly auth: Auth;
  readonly tenants: Tenants;
  readonly service: SessionService;
  readonly connected: Pick<ConnectedInstances, 'forgetTenant'>;
  readonly statistics: Pick<StatisticsReader, 'forgetTenant'>;
  readonly publicUrl: () => string;
  /** Where callbacks may be sent. */
  readonly callbackHosts: readonly string[];
}

export function addTenantRoutes(app: FastifyInstance, deps: TenantRoutesDeps): void {
  const { auth, tenants, service, connected, statistics, publicUrl } = deps;

  const withUsableAddresses = <T extends Addresses>(request: T): T => requireUsableAddresses(request, deps.callbackHosts);

  app.register(async (admin) => {
    admin.addHook('onRequest', async (request) => auth.requireAdmin(request.headers.authorization));

    admin.post('/v1/admin/tenants', async (request, reply) => {
      const { tenant, secrets } = await tenants.create(withUsableAddresses(parseRequest(createTenantSchema, request.body)));
      return reply.status(201).send({ tenant, ...secrets, webhookUrl: notificationUrl(publicUrl(), tenant.id) });
    });
    admin.get('/v1/admin/tenants', async () => ({ tenants: await tenants.list() }));
    admin.get<TenantPath>('/v1/admin/tenants/:id', async (request) => ({ tenant: await tenants.get(request.params.id) }));
    admin.patch<TenantPath>('/v1/admin/tenants/:id', async (request) => ({
      tenant: await tenants.patch(request.params.id, withUsableAddresses(parseRequest(patchTenantSchema, request.body))),
    }));
    admin.delete<TenantPath>('/v1/admin/tenants/:id', async (request, reply) => {
      // In this order, a call that failed half way can be repeated.
      await tenants.disable(request.params.id);
      await service.cancelAll(request.params.id);
      await connected.forgetTenant(request.params.id);
      await tenants.forget(request.params.id);
      await statistics.forgetTenant(request.params.id); // last, because nothing is written for a former tenant any more
      return reply.status(204).send();
    });
    admin.post<TenantPath>('/v1/admin/tenants/:id/callback-secret', async (request, reply) =>
      reply.status(201).send(await tenants.renewCallbackSecret(request.params.id)),
    );
    admin.post<TenantPath>('/v1/admin/tenants/:id/keys', async (request, reply) =>
      reply.status(201).send(await tenants.addKey(request.params.id)),
    );
    admin.delete<{ Params: { id: string; keyId: string } }>('/v1/admin/tenants/:id/keys/:keyId', async (request, reply) => {
      await tenants.removeKey(request.params.id, request.params.keyId);
      return reply.status(204).send();
    });
  });
}

interface Addresses {
  readonly callback?: Address;
  readonly relay?: Address;
}

/**
 * Returns the request. @throws {RefusedError} `invalid_request` if nothing would be sent to an
 * address in it.
 */
function requireUsableAddresses<T extends Addresses>(request: T, callbackHosts: readonly string[]): T {
  for (const field of ['callback', 'relay'] as const) {
    const url = request[field]?.url;
    if (url === undefined || isAllowedCallbackUrl(url, callbackHosts)) continue;
    const rule = 'expected https with a public host name and no user, or an address that QRCAST_CALLBACK_HOSTS allows';
    throw new RefusedError('invalid_request', `${field}.url: ${rule} (came: string of ${url.length})`);
  }
  return request;
}
