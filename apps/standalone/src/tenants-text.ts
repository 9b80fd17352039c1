/** How `qrcast tenants` shows tenants and keys to a person. Pure. */

import { z } from 'zod';
import { tableLines } from './table.ts';

/** Accepts more than the protocol's own schema, because a newer gateway may say more. */
export const tenantSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  suspended: z.boolean(),
  limits: z.record(z.string(), z.number()),
  keys: z.array(z.looseObject({ id: z.string(), createdAt: z.number(), lastUsedAt: z.number().nullable() })),
});

export type ShownTenant = z.infer<typeof tenantSchema>;

/** More limits than this make a line too long. */
const MOST_LIMITS = 3;

export function tenantsText(tenants: readonly ShownTenant[]): string {
  if (tenants.length === 0) return 'There are no tenants. Add one: qrcast tenants add <id>';
  const rows = tenants.map((tenant) => [
    tenant.id,
    tenant.name,
    tenant.suspended ? 'suspended' : 'active',
    String(tenant.keys.length),
    limitsText(tenant.limits),
  ]);
  return tableOf(['ID', 'NAME', 'STATE', 'KEYS', 'LIMITS OF ITS OWN'], rows);
}

function limitsText(limits: Readonly<Record<string, number>>): string {
  const own = Object.entries(limits);
  if (own.length === 0) return '-';
  return own.length > MOST_LIMITS ? `${own.length} limits` : own.map(([limit, value]) => `${limit} ${value}`).join(', ');
}

export function keysText({ id, keys }: ShownTenant): string {
  if (keys.length === 0) return `The tenant "${id}" has no API keys. Add one: qrcast tenants keys add ${id}`;
  const rows = keys.map((key) => [key.id, timeText(key.createdAt), key.lastUsedAt === null ? 'never' : timeText(key.lastUsedAt)]);
  return tableOf(['KEY', 'CREATED', 'LAST USED'], rows);
}

const timeText = (at: number): string => new Date(at).toISOString();

/** A line feed in a cell would break the table. */
function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = rows.map((row) => row.map((cell) => cell.replaceAll('\n', ' ')));
  return tableLines(head, lines).join('\n');
}

/** Secrets that no other call tells. */
export function secretsText(what: string, secrets: readonly (readonly [name: string, secret: string])[]): string {
  const width = Math.max(...secrets.map(([name]) => name.length));
  const rows = secrets.map(([name, secret]) => `  ${name.padEnd(width)}  ${secret}`);
  return [`${what} Keep what follows: it is shown only now.`, ...rows].join('\n');
}
