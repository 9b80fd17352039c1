import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { weaknessOfKey, weaknessOfText } from './key-strength.ts';

describe('keys', () => {
  it.each([
    ['zeros', Buffer.alloc(32), 'different bytes'],
    ['two bytes', Buffer.from('abababababababababababababababababab'), 'different bytes'],
    ['a half twice', Buffer.concat([Buffer.from([...Array(20).keys()]), Buffer.from([...Array(20).keys()])]), 'repeats itself'],
    ['random bytes twice', Buffer.concat(Array(2).fill(randomBytes(32))), 'repeats itself'],
    ['0, 1, 2 …', Buffer.from([...Array(32).keys()]), 'counts'],
    ['a sentence', Buffer.from('the quick brown fox jumps over the lazy dog and more'), 'readable text'],
    ['a passphrase', Buffer.from('Tr0ub4dor&3-correct-horse-battery'), 'readable text'],
    ['a placeholder', Buffer.from('0-please-changeme-before-production!'), 'example'],
  ])('%s are weak', (_name, key, words) => {
    expect(weaknessOfKey(key)).toContain(words);
  });

  it('from openssl are not weak, in any encoding', () => {
    for (let n = 0; n < 2_000; n++) {
      expect(weaknessOfKey(randomBytes(32))).toBeNull();
      expect(weaknessOfKey(Buffer.from(randomBytes(32).toString('base64')))).toBeNull();
      expect(weaknessOfKey(Buffer.from(randomBytes(32).toString('hex')))).toBeNull();
    }
  });
});

describe('texts', () => {
  it.each([
    ['aaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'different characters'],
    ['abcdefghijklmnopqrstuvwxyz', 'counts'],
    ['012345678901234567890123456789', 'repeats itself'],
    ['Kx7vQp2mZr4tKx7vQp2mZr4t', 'repeats itself'],
    ['my-Secret-admin-key-0815-4711', 'example'],
    ['change-me-before-production-1', 'example'],
  ])('%s is weak', (text, words) => {
    expect(weaknessOfText(text)).toContain(words);
  });

  it('made by a machine are not weak', () => {
    for (let n = 0; n < 2_000; n++) {
      for (const text of [randomBytes(24).toString('hex'), randomBytes(18).toString('base64url'), randomUUID()])
        expect(weaknessOfText(text)).toBeNull();
    }
  });
});
