import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createInput, type Input } from './input.ts';

const { signal } = new AbortController();

describe('a stdin that is no terminal', () => {
  let stdin: PassThrough;
  let input: Input;
  beforeEach(() => {
    stdin = new PassThrough();
    input = createInput({ stdin, onInterrupt: () => undefined });
  });
  afterEach(() => input.close());

  it('gives its lines one by one, whenever they come and however they end, and then nothing', async () => {
    stdin.write('first\r\nsecond\nth');
    expect(await input.piped(signal)).toBe('first');
    expect(await input.piped(signal)).toBe('second');
    const third = input.piped(signal);
    stdin.end('ird');
    expect(await third).toBe('third');
    expect(await input.piped(signal)).toBeNull();
    expect(await input.piped(signal)).toBeNull();
  });

  it('drops one byte-order mark before the first line alone', async () => {
    stdin.end('\uFEFFfirst\n\uFEFFsecond\n');
    expect(await input.piped(signal)).toBe('first');
    expect(await input.piped(signal)).toBe('\uFEFFsecond');
  });

  it('reads a character that is split between chunks', async () => {
    const bytes = Buffer.from('пароль\n');
    for (const byte of bytes) stdin.write(Buffer.of(byte));
    expect(await input.piped(signal)).toBe('пароль');
  });

  it.each([
    ['cp1251', Buffer.from('\xef\xe0\xf0\n', 'latin1')],
    ['UTF-16', Buffer.from('\uFEFFsecret\n', 'utf16le')],
    ['a cut character', Buffer.from('secret\xf0\x9f', 'latin1')],
  ])('refuses bytes that are not UTF-8: %s', async (_what, bytes) => {
    stdin.end(bytes);
    await expect(input.piped(signal)).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining('UTF-8') });
  });

  it('keeps a line that nobody waits for any more for the next reader', async () => {
    const wanted = new AbortController();
    const first = input.piped(wanted.signal);
    wanted.abort(new Error('no password is wanted now'));
    await expect(first).rejects.toThrow('no password is wanted now');
    stdin.write('password\n');
    expect(await input.piped(signal)).toBe('password');
  });
});
