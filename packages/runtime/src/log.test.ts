import { describe, expect, it } from 'vitest';
import { createLog, errorFields, framesOf } from './log.ts';

function logged(write: (log: ReturnType<typeof createLog>) => void): string {
  const lines: string[] = [];
  write(createLog('test', 'trace', { write: (line) => void lines.push(line) }));
  return lines.join('');
}

describe('log', () => {
  it('removes secrets anywhere in its fields', () => {
    const secrets = {
      apiToken: 'S3CRET',
      ticket: 'S3CRET',
      password: 'S3CRET',
      authorization: 'S3CRET',
      image: 'S3CRET',
      apiKey: 'S3CRET',
      callbackSecret: 'S3CRET',
      pageUrl: 'S3CRET',
    };
    const text = logged((log) => log.info({ ...secrets, request: secrets, deep: { request: secrets }, kept: 'fact' }, 'message'));
    expect(text).not.toContain('S3CRET');
    expect(text).toContain('fact');
  });

  it('shows class, code, message and cause of an error, without URLs', () => {
    const cause = Object.assign(new Error('connect to redis://:S3CRET@10.0.0.1:6379 failed'), { code: 'ECONNREFUSED' });
    const error = Object.assign(new TypeError('GET https://host/waInstance1/qr/S3CRET was refused', { cause }), { code: 'E_CODE' });
    const fields = errorFields(error);
    expect(JSON.stringify(fields)).not.toContain('S3CRET');
    expect(fields).toEqual({ error: 'TypeError: GET [url] was refused', errorCode: 'E_CODE', cause: 'Error: connect to [url] failed' });
    expect(errorFields('S3CRET')).toEqual({ error: 'string' });
  });

  it('shows where an error happened, without its message', () => {
    const frames = framesOf(new Error('connect to\nredis://:S3CRET@10.0.0.1:6379 failed'));
    expect(frames).not.toContain('S3CRET');
    expect(frames).toMatch(/^ {4}at .*log\.test\.ts/);
  });
});
