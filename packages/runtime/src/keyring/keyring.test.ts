import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createKeyring, parseKeyring } from './keyring.ts';

const SAME = randomBytes(32).toString('base64');
const key = (id: string) => ({ id, key: randomBytes(32) });

describe('keyring', () => {
  it('opens what it sealed; seals are never equal and contain no plain text', () => {
    const ring = createKeyring([key('a')]);
    const one = ring.seal('a token', 'ses_1');
    const two = ring.seal('a token', 'ses_1');
    expect(one).not.toBe(two);
    expect(Buffer.from(one.split('.')[2] ?? '', 'base64url').includes('a token')).toBe(false);
    expect(ring.open(one, 'ses_1')).toBe('a token');
  });

  it('binds a secret to its context', () => {
    const ring = createKeyring([key('a')]);
    expect(() => ring.open(ring.seal('a token', 'ses_1'), 'ses_2')).toThrow();
  });

  it('seals under the first key and opens with all, for rotation', () => {
    const old = key('old');
    const sealed = createKeyring([old]).seal('a token', 'x');
    const rotated = createKeyring([key('new'), old]);
    expect(rotated.open(sealed, 'x')).toBe('a token');
    expect(rotated.seal('b', 'x')).toMatch(/^v1\.new\./);
    expect(() => createKeyring([key('new')]).open(sealed, 'x')).toThrow('the keyring has no key "old"');
  });

  it.each([-1, 0, 15, 30])('refuses a sealed secret with one changed byte (%i)', (index) => {
    const ring = createKeyring([key('a')]);
    const [version, id, body = ''] = ring.seal('a token of some length', 'x').split('.');
    const bytes = Buffer.from(body, 'base64url');
    const at = index < 0 ? bytes.length + index : index;
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    expect(() => ring.open([version, id, bytes.toString('base64url')].join('.'), 'x')).toThrow();
    expect(() => ring.open('nothing like it', 'x')).toThrow('unknown form');
  });

  it('derives a different key for each purpose and ring key', () => {
    const ring = createKeyring([key('a'), key('b')]);
    const keys = [...ring.derive('tickets'), ...ring.derive('other')].map((derived) => Buffer.from(derived.key).toString('hex'));
    expect(new Set(keys).size).toBe(4);
    expect(ring.derive('tickets').map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it.each([
    ['', 'expected id:base64'],
    ['nocolon', 'expected id:base64'],
    ['a b:AAAA', 'expected id:base64'],
    ['a:not base64!', 'is not base64'],
    [`a:${randomBytes(31).toString('base64')}`, 'has 31 bytes, expected at least 32'],
    [`a:${randomBytes(32).toString('base64')},a:${randomBytes(32).toString('base64')}`, 'same id'],
    [`a:${Buffer.alloc(32, 7).toString('base64')}`, 'entry 1: the key has 1 different bytes'],
    [`a:${SAME},b:${SAME}`, 'the same key under different ids'],
    [`a:${SAME},b:${Buffer.from('please-changeme-in-production-1234567').toString('base64')}`, 'entry 2: the key reads like'],
  ])('refuses %j without repeating it', (text, message) => {
    expect(() => parseKeyring(text)).toThrow(message);
  });
});
