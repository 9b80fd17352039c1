/**
 * Provider credentials at rest, of a session or of a connected instance. They are sealed under the
 * keyring and bound to their record. So no job or log needs to hold them.
 */

import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Keyring } from './keyring.ts';

export interface ProviderSecret {
  /** Origin of the provider's API. */
  readonly apiUrl: string;
  readonly apiToken: string;
}

const secretSchema = z.object({ apiUrl: z.string(), apiToken: z.string() });

/** `context`: the session's id, or `connectedContext`. */
export function sealCredentials(keyring: Keyring, context: string, secret: ProviderSecret): string {
  return keyring.seal(JSON.stringify(secret), context);
}

/** The associated data for the credentials of a connected instance. */
export const connectedContext = ({ tenantId, instanceId }: { readonly tenantId: string; readonly instanceId: string }): string =>
  `connected:${tenantId}:${instanceId}`;

/** @throws {Error} if no key of the ring opens them. */
export function openCredentials(keyring: Keyring, context: string, sealed: string): ProviderSecret {
  let opened: string;
  try {
    opened = keyring.open(sealed, context);
  } catch (error) {
    throw new Error('no key of QRCAST_SECRET_KEYS opens the credentials of a session; give all processes the same keys', { cause: error });
  }
  return secretSchema.parse(JSON.parse(opened));
}

/**
 * A hash that is equal for sessions with the same host, instance and token, whatever their tenant.
 * It reveals none of them. Sessions with equal keys share the spacing of polls. Without the token
 * nobody can create such a session to slow another's polls.
 */
export function instanceKeyOf(instanceId: string, secret: ProviderSecret): string {
  return createHash('sha256')
    .update(JSON.stringify([secret.apiUrl, instanceId, secret.apiToken]))
    .digest('base64url')
    .slice(0, 16);
}
