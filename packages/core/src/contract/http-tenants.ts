/** `/v1/admin/tenants…` in the OpenAPI document. */

import { callbackSecretSchema } from '../callback.ts';
import type { ErrorCode } from '../errors.ts';
import { createTenantSchema, patchTenantSchema } from '../tenant-requests.ts';
import { createdKeySchema, createdTenantSchema, tenantAnswerSchema, tenantListSchema } from './answers.ts';
import { EXAMPLE_TENANT } from './examples.ts';
import type { Credential, Operation } from './http.ts';

const ADMIN: readonly Credential[] = [{ kind: 'adminKey' }];
const WHO: readonly ErrorCode[] = ['unauthenticated', 'too_many_requests', 'unavailable'];
const BODY: readonly ErrorCode[] = ['invalid_request', 'body_too_large', 'unsupported_media_type'];

export const TENANT_OPERATIONS: readonly Operation[] = [
  {
    id: 'createTenant',
    method: 'post',
    path: '/v1/admin/tenants',
    tag: 'Tenants',
    summary: 'Create a tenant',
    description: 'Only this answer contains the secrets of the tenant. An `id` that is used, or was used before, is `invalid_request`.',
    credentials: ADMIN,
    body: {
      schema: createTenantSchema,
      isRequired: true,
      example: { id: 'acme', name: 'Acme', allowedOrigins: ['https://app.example.com'] },
    },
    answers: {
      201: {
        description: 'The tenant and its secrets',
        schema: createdTenantSchema,
        example: {
          tenant: EXAMPLE_TENANT,
          apiKey: 'qk_…',
          webhookToken: 'wt_…',
          webhookUrl: 'https://qrcast.example.com/v1/webhooks/green-api/acme',
          callbackSecret: 'whsec_…',
        },
      },
    },
    errors: [...WHO, ...BODY],
  },
  {
    id: 'listTenants',
    method: 'get',
    path: '/v1/admin/tenants',
    tag: 'Tenants',
    summary: 'List tenants',
    credentials: ADMIN,
    answers: { 200: { description: 'All tenants', schema: tenantListSchema, example: { tenants: [EXAMPLE_TENANT] } } },
    errors: WHO,
  },
  {
    id: 'readTenant',
    method: 'get',
    path: '/v1/admin/tenants/{id}',
    pathParameters: ['tenant'],
    tag: 'Tenants',
    summary: 'Read a tenant',
    credentials: ADMIN,
    answers: { 200: { description: 'The tenant', schema: tenantAnswerSchema, example: { tenant: EXAMPLE_TENANT } } },
    errors: [...WHO, 'not_found'],
  },
  {
    id: 'changeTenant',
    method: 'patch',
    path: '/v1/admin/tenants/{id}',
    pathParameters: ['tenant'],
    tag: 'Tenants',
    summary: 'Change a tenant',
    description: [
      'Each field of the request replaces the whole old value. Null removes `upstreamHosts`, `callback`, `relay` or `checkConnectedEvery`, and resets `keepConnectedDays` to 30.',
      'When `checkConnectedEvery` is removed, the tokens that were kept for it are deleted. Set again, it applies to instances that connect from then on.',
      '`suspended: true` stops a tenant and deletes nothing. Its keys and tickets are refused with `forbidden`, and its streams close within 2 s on all gateways. Its sessions are no longer polled, and its notifications are accepted and ignored. `false` ends the suspension.',
    ].join('\n\n'),
    credentials: ADMIN,
    body: { schema: patchTenantSchema, isRequired: true, example: { allowedOrigins: ['https://app.example.com'] } },
    answers: { 200: { description: 'The tenant as it is now', schema: tenantAnswerSchema, example: { tenant: EXAMPLE_TENANT } } },
    errors: [...WHO, ...BODY, 'not_found'],
  },
  {
    id: 'deleteTenant',
    method: 'delete',
    path: '/v1/admin/tenants/{id}',
    pathParameters: ['tenant'],
    tag: 'Tenants',
    summary: 'Delete a tenant',
    description:
      'Its keys and tickets stop working, its sessions end `cancelled`, and its streams close within 2 s on all gateways. Its id cannot be used again.',
    credentials: ADMIN,
    answers: { 204: { description: 'The tenant is deleted' } },
    errors: [...WHO, ...BODY, 'not_found'],
  },
  {
    id: 'addKey',
    method: 'post',
    path: '/v1/admin/tenants/{id}/keys',
    pathParameters: ['tenant'],
    tag: 'Tenants',
    summary: 'Add an API key',
    description:
      'A tenant may have two keys, and both are valid. To replace a key, add the new one, change your servers over, and remove the old one. A third key is `invalid_request`.',
    credentials: ADMIN,
    answers: { 201: { description: 'The key', schema: createdKeySchema, example: { keyId: 'key_3rTgC0Yx8mJb1aQe', apiKey: 'qk_…' } } },
    errors: [...WHO, ...BODY, 'not_found'],
  },
  {
    id: 'removeKey',
    method: 'delete',
    path: '/v1/admin/tenants/{id}/keys/{keyId}',
    pathParameters: ['tenant', 'keyId'],
    tag: 'Tenants',
    summary: 'Remove an API key',
    credentials: ADMIN,
    answers: { 204: { description: 'The key is refused from now on' } },
    errors: [...WHO, ...BODY, 'not_found'],
  },
  {
    id: 'renewCallbackSecret',
    method: 'post',
    path: '/v1/admin/tenants/{id}/callback-secret',
    pathParameters: ['tenant'],
    tag: 'Tenants',
    summary: 'Create a new callback secret',
    description: 'For a day everything is signed with the previous secret as well. Bring the new one to your servers within that day.',
    credentials: ADMIN,
    answers: {
      201: {
        description: 'The secret',
        schema: callbackSecretSchema,
        example: { callbackSecret: 'whsec_…', previousValidUntil: EXAMPLE_TENANT.createdAt + 86_400_000 },
      },
    },
    errors: [...WHO, ...BODY, 'not_found'],
  },
];
