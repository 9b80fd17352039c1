import { describe, expect, it } from 'vitest';
import { readSettings, SettingsError } from './settings.ts';

const faultsOf = (
  env: Record<string, string>,
  names: Parameters<typeof readSettings>[1],
  required: Parameters<typeof readSettings>[2] = [],
): readonly string[] => {
  try {
    readSettings(env, names, required);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(SettingsError);
    return (error as SettingsError).faults;
  }
};

describe('settings', () => {
  it('have safe defaults', () => {
    expect(
      readSettings({}, [
        'PORT',
        'QRCAST_POLL_INTERVAL_MS',
        'QRCAST_ATTEMPT_MS',
        'QRCAST_CODE_TTL_MS',
        'QRCAST_UNWATCHED_GRACE_MS',
        'QRCAST_DRAIN_MS',
        'QRCAST_LOG_LEVEL',
      ]),
    ).toEqual({
      PORT: 3000,
      QRCAST_POLL_INTERVAL_MS: 5000,
      QRCAST_ATTEMPT_MS: 180000,
      QRCAST_CODE_TTL_MS: 20000,
      QRCAST_UNWATCHED_GRACE_MS: 15000,
      QRCAST_DRAIN_MS: 25000,
      QRCAST_LOG_LEVEL: 'info',
    });
  });

  it('read what is set, and take an empty variable for an unset one', () => {
    expect(
      readSettings({ PORT: '8080', QRCAST_UPSTREAM_HOSTS: 'a.example, b.example ,', QRCAST_LOG_LEVEL: '' }, [
        'PORT',
        'QRCAST_UPSTREAM_HOSTS',
        'QRCAST_LOG_LEVEL',
      ]),
    ).toEqual({
      PORT: 8080,
      QRCAST_UPSTREAM_HOSTS: ['a.example', 'b.example'],
      QRCAST_LOG_LEVEL: 'info',
    });
  });

  it('let callbacks go to public hosts unless told otherwise', () => {
    const hostsOf = (env: Record<string, string>) => readSettings(env, ['QRCAST_CALLBACK_HOSTS']).QRCAST_CALLBACK_HOSTS;
    expect(hostsOf({})).toEqual(['*']);
    expect(hostsOf({ QRCAST_CALLBACK_HOSTS: '*, http://127.0.0.1:8080' })).toEqual(['*', 'http://127.0.0.1:8080']);
  });

  it('make one form of the public address', () => {
    const urlOf = (text: string) => readSettings({ QRCAST_PUBLIC_URL: text }, ['QRCAST_PUBLIC_URL']).QRCAST_PUBLIC_URL;
    expect(urlOf('HTTPS://Host.Example:443/qrcast/')).toBe('https://host.example/qrcast');
  });

  it('tell every fault at once, by name and rule, never the value', () => {
    const env = {
      PORT: 'secret-port',
      REDIS_URL: 'http://secret',
      QRCAST_ADMIN_KEY: 'short-secret',
      QRCAST_LOG_LEVEL: 'secret',
      QRCAST_PUBLIC_URL: 'secret',
    };
    const faults = faultsOf(
      env,
      ['PORT', 'REDIS_URL', 'QRCAST_ADMIN_KEY', 'QRCAST_LOG_LEVEL', 'QRCAST_PUBLIC_URL', 'QRCAST_SECRET_KEYS'],
      ['QRCAST_SECRET_KEYS'],
    );
    expect(faults.map((fault) => fault.split(':')[0])).toEqual([
      'PORT',
      'REDIS_URL',
      'QRCAST_ADMIN_KEY',
      'QRCAST_LOG_LEVEL',
      'QRCAST_PUBLIC_URL',
      'QRCAST_SECRET_KEYS',
    ]);
    expect(faults.join()).not.toContain('secret');
  });

  it.each([
    ['QRCAST_POLL_INTERVAL_MS', '1099', 'expected at least 1100 (ms)'],
    ['QRCAST_POLL_INTERVAL_MS', '5s', 'expected a whole number from 1100 to 3600000 (ms)'],
    ['QRCAST_ADMIN_KEY', 'short', 'expected at least 24 characters'],
    ['QRCAST_ADMIN_KEY', 'a'.repeat(30), 'has 1 different characters; make one with openssl rand -hex 24'],
    ['QRCAST_ADMIN_KEY', 'change-me-before-production', 'reads like the value of an example'],
    ['QRCAST_SECRET_KEYS', `k1:${Buffer.alloc(32).toString('base64')}`, 'entry 1: the key has 1 different bytes'],
    ['PORT', '65536', 'expected at most 65535 (a TCP port)'],
    ['GREEN_API_ID_INSTANCE', '12', 'expected 4 to 20 digits'],
    ['QRCAST_UPSTREAM_HOSTS', '*.api.green-api.com,*.com', 'entry 2: expected a host'],
    ['QRCAST_UPSTREAM_HOSTS', 'http://mirror.example', 'entry 1: expected a host'],
    ['QRCAST_UPSTREAM_HOSTS', 'http://127.0.0.1', 'entry 1: expected a host'],
    ['QRCAST_UPSTREAM_HOSTS', '*', 'entry 1: expected a host'],
    ['QRCAST_CALLBACK_HOSTS', '*,http://hooks.example', 'entry 2: expected * (every public host), a host'],
    ['QRCAST_PUBLIC_URL', 'https://user:secret@host.example', 'QRCAST_PUBLIC_URL: expected no user and no password'],
    ['QRCAST_PUBLIC_URL', 'https://host.example/a/../b', 'QRCAST_PUBLIC_URL: expected no . or ..'],
    ['QRCAST_HSTS_SECONDS', '63072001', 'QRCAST_HSTS_SECONDS: expected at most 63072000 (seconds)'],
    ['QRCAST_HSTS_SECONDS', '1 year', 'QRCAST_HSTS_SECONDS: expected a whole number'],
  ] as const)('refuse %s=%s', (name, value, rule) => {
    expect(faultsOf({ [name]: value }, [name]).join()).toContain(rule);
  });

  it('check what only two together can tell', () => {
    const names = ['QRCAST_CODE_TTL_MS', 'QRCAST_POLL_INTERVAL_MS', 'QRCAST_ATTEMPT_MS'] as const;
    expect(faultsOf({ QRCAST_CODE_TTL_MS: '5000', QRCAST_ATTEMPT_MS: '5000' }, names)).toHaveLength(2);
    const https = ['QRCAST_HSTS_SECONDS', 'QRCAST_PUBLIC_URL'] as const;
    const hsts = (url: string, seconds = '60') => faultsOf({ QRCAST_PUBLIC_URL: url, QRCAST_HSTS_SECONDS: seconds }, https).join();
    expect(hsts('http://host.example')).toContain('expected an https:// address');
    expect(hsts('')).toContain('expected an https:// address');
    expect(hsts('https://host.example/qrcast')).toContain('has a path');
    expect([hsts('https://host.example/qrcast', '0'), hsts('https://host.example/')]).toEqual(['', '']);
    expect(faultsOf({ GREEN_API_ID_INSTANCE: '1101000001' }, ['GREEN_API_ID_INSTANCE', 'GREEN_API_TOKEN']).join()).toContain(
      'expected both',
    );
  });
});
