import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { instanceKeyOf, openCredentials, sealCredentials } from './credentials-vault.ts';
import { createKeyring } from './keyring.ts';

const key = (id: string) => ({ id, key: randomBytes(32) });
const secret = { apiUrl: 'https://3100.api.green-api.com', apiToken: 'a-token-of-the-instance' };

describe('credentials at rest', () => {
  it('open only for their own session and with their own keys', () => {
    const ring = createKeyring([key('k1')]);
    const sealed = sealCredentials(ring, 'ses_1', secret);
    expect(openCredentials(ring, 'ses_1', sealed)).toEqual(secret);
    expect(() => openCredentials(ring, 'ses_2', sealed)).toThrow('no key of QRCAST_SECRET_KEYS opens the credentials of a session');
    expect(() => openCredentials(createKeyring([key('k1')]), 'ses_1', sealed)).toThrow('no key of QRCAST_SECRET_KEYS opens');
  });

  it('identify their instance without revealing it', () => {
    const name = instanceKeyOf('1101000001', secret);
    expect(name).toMatch(/^[A-Za-z0-9_-]{16}$/);
    expect(instanceKeyOf('1101000001', { ...secret })).toBe(name);
    expect(instanceKeyOf('1101000001', { ...secret, apiToken: 'another-token' })).not.toBe(name);
    expect(instanceKeyOf('1101000002', secret)).not.toBe(name);
  });
});
