/** What the operator may send about a tenant. */

import { z } from 'zod';
import { MAX_CHECK_EVERY_MINUTES } from './connected-check.ts';
import { MAX_KEEP_CONNECTED_DAYS } from './connected-instance.ts';
import { TENANT_ID } from './credential-forms.ts';
import { typedFault } from './invisible.ts';
import { originList, webUrl, without } from './requests.ts';
import { MAX_LIMIT, TENANT_LIMITS, type TenantLimit } from './tenant-limits.ts';
import { parseUpstreamRule } from './upstream.ts';

/** Every limit may be left out. */
export const tenantLimitsSchema = z.strictObject(
  Object.fromEntries(
    Object.entries(TENANT_LIMITS).map(([name, { words }]) => [name, z.number().int().min(0).max(MAX_LIMIT).optional().describe(words)]),
  ) as Record<TenantLimit, z.ZodOptional<z.ZodNumber>>, // the same names
);
const upstreamHost = z
  .string()
  .max(256)
  .refine((entry) => parseUpstreamRule(entry) !== null, 'expected a host, *.host, https://host or http://127.0.0.1:port');
const receiver = z.strictObject({
  url: webUrl.describe('An `https` address with a public host, or a host that the operator allows'),
});
const tenantFields = {
  name: z.string().min(1).max(128).superRefine(without(typedFault)).describe('A name for people to read'),
  allowedOrigins: originList(100).describe(
    'Origins of the pages that may use a ticket which names no origins of its own, for example `https://app.example.com` or `capacitor://localhost`. Empty: any page may',
  ),
  upstreamHosts: z
    .array(upstreamHost)
    .max(50)
    .describe(
      "The provider hosts that this tenant may use: `host`, `*.host` or `https://host`. A host must be on the operator's list as well",
    ),
  limits: tenantLimitsSchema.describe("The tenant's limits, over all gateways. The operator's default applies to each that is missing"),
  callback: receiver.describe("The tenant's own server, which receives signed callbacks about its sessions"),
  relay: receiver.describe("The server to which the provider's notifications are forwarded, signed and in order"),
  keepConnectedDays: z
    .number()
    .int()
    .min(0)
    .max(MAX_KEEP_CONNECTED_DAYS)
    .describe('How many days after its login the loss of an account is reported by a callback. Default: 30; 0 for never'),
  checkConnectedEvery: z
    .number()
    .int()
    .min(1)
    .max(MAX_CHECK_EVERY_MINUTES)
    .nullable()
    .describe(
      'How often the provider is asked whether connected instances are still linked, minutes. Their tokens are kept for this, encrypted. Default: null, for never',
    ),
};

export const createTenantSchema = z
  .strictObject({
    id: z
      .string()
      .regex(TENANT_ID, 'expected 1 to 63 of a-z 0-9 _ -, beginning with a letter or digit')
      .describe('You choose it. It cannot be changed or used again'),
    ...z.strictObject(tenantFields).partial().required({ name: true }).shape,
  })
  .meta({ id: 'CreateTenant' });

/** Null resets a field to its default. */
export const patchTenantSchema = z
  .strictObject({
    ...tenantFields,
    upstreamHosts: tenantFields.upstreamHosts.nullable(),
    callback: tenantFields.callback.nullable(),
    relay: tenantFields.relay.nullable(),
    keepConnectedDays: tenantFields.keepConnectedDays.nullable(),
    suspended: z
      .boolean()
      .describe('`true`: refuse the keys and tickets of the tenant, and close its streams. `false` ends the suspension'),
  })
  .partial()
  .meta({ id: 'PatchTenant' });
