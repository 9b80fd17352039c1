/**
 * Provider credentials at rest, of a session or of a connected instance: sealed under the keyring, bound to their record, so that no job or
 * log ever needs them.
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

/** `context`: what they are bound to, the session's id or `connectedContext`. */
export function sealCredentials(keyring: Keyring, context: string, secret: ProviderSecret): string {
  return keyring.seal(JSON.stringify(secret), context);
}

/** What the credentials for checks of a connected instance are bound to. */
export const connectedContext = ({ tenantId, instanceId }: { readonly tenantId: string; readonly instanceId: string }): string =>
  `connected:${tenantId}:${instanceId}`;

/** @throws {Error} if no key of the ring opens it. */
export function openCredentials(keyring: Keyring, context: string, sealed: string): ProviderSecret {
  let opened: string;
  try {
    opened = keyring.open(sealed, context);
  } catch (error) {
    throw new Error('the credentials of a session do not open; has every process the same QRCAST_SECRET_KEYS?', { cause: error });
  }
  return secretSchema.parse(JSON.parse(opened));
}

/**
 * Equal for sessions that ask the same instance with the same right, whatever their tenant; tells neither host, id nor token. Who does not
 * know the token cannot make a session that shares, and so slows, another's polls.
 */
export function instanceKeyOf(instanceId: string, secret: ProviderSecret): string {
  return createHash('sha256')
    .update(JSON.stringify([secret.apiUrl, instanceId, secret.apiToken]))
    .digest('base64url')
    .slice(0, 16);
}
