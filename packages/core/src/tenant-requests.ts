/** What the operator may send about a tenant. */

import { z } from 'zod';
import { MAX_CHECK_EVERY_MINUTES } from './connected-check.ts';
import { MAX_KEEP_CONNECTED_DAYS } from './connected-instance.ts';
import { TENANT_ID } from './credential-forms.ts';
import { invisibleFault, typedFault } from './invisible.ts';
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
  .refine(
    (entry) => invisibleFault(entry) === null && parseUpstreamRule(entry) !== null,
    'expected a host, *.host, https://host or http://127.0.0.1:port',
  );
const receiver = z.strictObject({
  url: webUrl.describe('An `https` address with a public host, or a host that the operator has named'),
});
const tenantFields = {
  name: z.string().min(1).max(128).superRefine(without(typedFault)).describe('For people'),
  allowedOrigins: originList(100).describe(
    'Pages that may use a ticket if the ticket names no origins, like `https://app.example.com` or `capacitor://localhost`; empty for any',
  ),
  upstreamHosts: z
    .array(upstreamHost)
    .max(50)
    .describe("Provider hosts this tenant may use: `host`, `*.host`, `https://host`; narrows the operator's own list"),
  limits: tenantLimitsSchema.describe("What the tenant may use, over all gateways. A limit that is left out has the operator's default"),
  callback: receiver.describe('Where events of its sessions are sent to, signed'),
  relay: receiver.describe("Where the provider's notifications are passed on to, signed and in order"),
  keepConnectedDays: z
    .number()
    .int()
    .min(0)
    .max(MAX_KEEP_CONNECTED_DAYS)
    .describe('For how many days after its login the loss of an account is told; default 30, 0 for never'),
  checkConnectedEvery: z
    .number()
    .int()
    .min(1)
    .max(MAX_CHECK_EVERY_MINUTES)
    .nullable()
    .describe(
      'How often the provider is asked whether connected instances are still linked, minutes; their tokens are kept for it, encrypted. Null, the default: never',
    ),
};

export const createTenantSchema = z
  .strictObject({
    id: z
      .string()
      .regex(TENANT_ID, 'expected 1 to 63 of a-z 0-9 _ -, beginning with a letter or digit')
      .describe('Chosen by you, used once and for ever'),
    ...z.strictObject(tenantFields).partial().required({ name: true }).shape,
  })
  .meta({ id: 'CreateTenant' });

/** Null puts a field back to its default. */
export const patchTenantSchema = z
  .strictObject({
    ...tenantFields,
    upstreamHosts: tenantFields.upstreamHosts.nullable(),
    callback: tenantFields.callback.nullable(),
    relay: tenantFields.relay.nullable(),
    keepConnectedDays: tenantFields.keepConnectedDays.nullable(),
    suspended: z.boolean().describe('`true`: its keys and tickets are refused and its streams closed, until it is `false` again'),
  })
  .partial()
  .meta({ id: 'PatchTenant' });
