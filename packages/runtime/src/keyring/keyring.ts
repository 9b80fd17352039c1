/**
 * Secrets at rest: sealed with AES-256-GCM under the keyring's current key, and opened with any of
 * its keys. `seal` binds a secret to its record (`context`), so a sealed secret copied to another
 * record does not open.
 */

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { weaknessOfKey, weaknessOfText } from './key-strength.ts';

export interface Keyring {
  /** The current key is the first. */
  readonly keyIds: readonly string[];
  /** `v1.<key id>.<base64url of nonce, ciphertext and tag>` */
  seal(secret: string, context: string): string;
  /**
   * @throws {Error} if no key of the ring opens it: the key is missing, the context differs, or it
   * was altered.
   */
  open(sealed: string, context: string): string;
  /** Derives 32 bytes for one purpose from each key, the current one first. */
  derive(purpose: string): readonly { readonly id: string; readonly key: Uint8Array }[];
}

export interface RingKey {
  readonly id: string;
  readonly key: Buffer;
}

export const MIN_KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Parses QRCAST_SECRET_KEYS. @throws {Error} that says what is wrong with which entry, without its
 * value.
 */
export function parseKeyring(text: string): readonly RingKey[] {
  const keys = text.split(',').map((entry, index) => {
    const at = `entry ${index + 1}`;
    const colon = entry.indexOf(':');
    const id = entry.slice(0, colon).trim();
    if (colon < 1 || !/^[A-Za-z0-9_-]{1,32}$/.test(id))
      throw new Error(`${at}: expected id:base64 with an id of 1 to 32 letters, digits, _ or -`);
    const encoded = entry.slice(colon + 1).trim();
    if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(encoded)) throw new Error(`${at}: the text after the id is not base64`);
    const key = Buffer.from(encoded, 'base64');
    if (key.length < MIN_KEY_BYTES) throw new Error(`${at}: the key has ${key.length} bytes, expected at least ${MIN_KEY_BYTES}`);
    const weakness = weaknessOfKey(key) ?? weaknessOfText(encoded);
    if (weakness !== null) throw new Error(`${at}: the key ${weakness}; make one with openssl rand -base64 32`);
    return { id, key };
  });
  if (new Set(keys.map(({ id }) => id)).size !== keys.length) throw new Error('two entries have the same id');
  const different = new Set(keys.map(({ key }) => key.toString('base64')));
  if (different.size !== keys.length) throw new Error('two entries have the same key under different ids; a new key must be a new one');
  return keys;
}

export function createKeyring(keys: readonly RingKey[]): Keyring {
  const [current] = keys;
  if (current === undefined) throw new Error('the keyring is empty');
  const derive = (purpose: string) =>
    keys.map(({ id, key }) => ({ id, key: new Uint8Array(hkdfSync('sha256', key, '', `qrcast:${purpose}`, 32)) }));
  const sealing = new Map(derive('seal').map(({ id, key }) => [id, key]));

  return {
    keyIds: keys.map(({ id }) => id),

    seal(secret, context) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', keyOf(sealing, current.id), nonce).setAAD(Buffer.from(context));
      const body = Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return `v1.${current.id}.${body.toString('base64url')}`;
    },

    open(sealed, context) {
      const [version, id, encoded] = sealed.split('.');
      if (version !== 'v1' || id === undefined || encoded === undefined) throw new Error('a sealed secret has an unknown form');
      const body = Buffer.from(encoded, 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', keyOf(sealing, id), body.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(context)).setAuthTag(body.subarray(-TAG_BYTES));
      return decipher.update(body.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    },

    derive,
  };
}

/**
 * Returns the id of the key that sealed it, or null if it does not have the form of a sealed
 * secret.
 */
export function keyIdOf(sealed: string): string | null {
  return /^v1\.([^.]+)\./.exec(sealed)?.[1] ?? null;
}

function keyOf(keys: ReadonlyMap<string, Uint8Array>, id: string): Uint8Array {
  const key = keys.get(id);
  if (key === undefined) throw new Error(`the keyring has no key "${id}"; add it to QRCAST_SECRET_KEYS to read older secrets`);
  return key;
}
