import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createInput, type Input } from './login-input.ts';

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

  it('keeps a line that was not waited for any more for the next who asks', async () => {
    const turn = new AbortController();
    const first = input.piped(turn.signal);
    turn.abort(new Error('no password is wanted now'));
    await expect(first).rejects.toThrow('no password is wanted now');
    stdin.write('password\n');
    expect(await input.piped(signal)).toBe('password');
  });
});
