import { describe, expect, it } from 'vitest';
import { hashSecret, matchesHash, newCallbackSecret, newId, newSecret } from './secrets.ts';

describe('secrets', () => {
  it.each([
    ['an API key', () => newSecret('qk'), /^qk_[A-Za-z0-9_-]{43}$/],
    ['a webhook token', () => newSecret('wt'), /^wt_[A-Za-z0-9_-]{43}$/],
    ['a callback secret', newCallbackSecret, /^whsec_[A-Za-z0-9+/]{43}=$/],
    ['an id', () => newId('ses'), /^ses_[A-Za-z0-9_-]{16}$/],
  ])('%s has its form and is another one each time', (_name, make, form) => {
    const made = Array.from({ length: 100 }, make);
    for (const one of made) expect(one).toMatch(form);
    expect(new Set(made).size).toBe(100);
  });

  it('matches a secret with its own hash alone', () => {
    const secret = newSecret('qk');
    expect(matchesHash(secret, hashSecret(secret))).toBe(true);
    expect(matchesHash(`${secret}x`, hashSecret(secret))).toBe(false);
    expect(matchesHash(secret.slice(0, -1), hashSecret(secret))).toBe(false);
    expect(matchesHash('', hashSecret(secret))).toBe(false);
    expect(matchesHash(hashSecret(secret), hashSecret(secret))).toBe(false);
  });

  it.each(['', 'short', 'x'.repeat(200)])('takes a hash of any length as one that does not match (%#)', (hash) => {
    expect(matchesHash('secret', hash)).toBe(false);
  });
});
