/**
 * Makes random credentials and compares them. Only their hashes are stored. They have 256 random
 * bits, so a plain hash suffices.
 */

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export type SecretPrefix = 'qk' | 'wt';

/** `qk_…` an API key, `wt_…` a webhook token. */
export function newSecret(prefix: SecretPrefix): string {
  return `${prefix}_${randomBytes(32).toString('base64url')}`;
}

/** In the form of Standard Webhooks. */
export function newCallbackSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

export function newId(prefix: 'ses' | 'tkt' | 'key'): string {
  return `${prefix}_${randomBytes(12).toString('base64url')}`;
}

export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

/** Compares in constant time, whatever the lengths. */
export function matchesHash(secret: string, hash: string): boolean {
  return timingSafeEqual(Buffer.from(hashSecret(secret)), Buffer.from(hash.padEnd(43).slice(0, 43)));
}
