import { describe, expect, it } from 'vitest';
import { hashSecret, matchesHash, newCallbackSecret, newId, newSecret } from './secrets.ts';

describe('secrets', () => {
  it.each([
    ['an API key', () => newSecret('qk'), /^qk_[A-Za-z0-9_-]{43}$/],
    ['a webhook token', () => newSecret('wt'), /^wt_[A-Za-z0-9_-]{43}$/],
    ['a callback secret', newCallbackSecret, /^whsec_[A-Za-z0-9+/]{43}=$/],
    ['an id', () => newId('ses'), /^ses_[A-Za-z0-9_-]{16}$/],
  ])('%s has its form and is different each time', (_name, make, form) => {
    const made = Array.from({ length: 100 }, make);
    for (const one of made) expect(one).toMatch(form);
    expect(new Set(made).size).toBe(100);
  });

  it('match a secret only with its own hash', () => {
    const secret = newSecret('qk');
    expect(matchesHash(secret, hashSecret(secret))).toBe(true);
    expect(matchesHash(`${secret}x`, hashSecret(secret))).toBe(false);
    expect(matchesHash(secret.slice(0, -1), hashSecret(secret))).toBe(false);
    expect(matchesHash('', hashSecret(secret))).toBe(false);
    expect(matchesHash(hashSecret(secret), hashSecret(secret))).toBe(false);
  });

  it.each(['', 'short', 'x'.repeat(200)])('treat a hash of any length as no match (%#)', (hash) => {
    expect(matchesHash('secret', hash)).toBe(false);
  });
});
