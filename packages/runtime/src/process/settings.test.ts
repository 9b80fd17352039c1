import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readSettings, SettingsError } from './settings.ts';
import { SETTINGS } from './settings-table.ts';

const NAMES = ['PORT', 'QRCAST_LOG_LEVEL', 'QRCAST_NAMESPACE'] as const;

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

  it('use what is set, and treat an empty variable as unset', () => {
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

  it('accept the proxies, prefer the lower-case spelling, and never repeat credentials', () => {
    const names = ['HTTPS_PROXY', 'NO_PROXY', 'QRCAST_CALLBACK_PROXY'] as const;
    const secret = 'http://user:hunter2@';
    const read = (env: Record<string, string>) => readSettings(env, names).HTTPS_PROXY?.address;
    expect(read({})).toBe(undefined);
    expect(read({ HTTPS_PROXY: `${secret}a:3128` })).toBe('a:3128');
    expect(read({ https_proxy: 'http://b:3128' })).toBe('b:3128');
    expect(read({ HTTPS_PROXY: `${secret}a:3128`, https_proxy: 'http://b:3128' })).toBe('b:3128');
    expect(read({ HTTPS_PROXY: `${secret}a:3128`, https_proxy: '' })).toBe('a:3128');
    const exempt = (env: Record<string, string>) => readSettings(env, names).NO_PROXY?.isDirect('https://b.example.com');
    expect(exempt({ NO_PROXY: 'example.com' })).toBe(true);
    expect(exempt({ NO_PROXY: 'example.com', no_proxy: 'example.org' })).toBe(false);
    for (const variable of ['HTTPS_PROXY', 'https_proxy', 'QRCAST_CALLBACK_PROXY']) {
      for (const value of ['user:hunter2@a:3128', 'socks5://user:hunter2@a:1080', `${secret}a:3128/path`]) {
        const [fault, ...others] = faultsOf({ [variable]: value }, names);
        expect(fault).toMatch(new RegExp(`^${variable}: expected http://`));
        expect(fault).not.toMatch(/hunter2|user:h/);
        expect(others).toEqual([]);
      }
    }
    for (const env of [{ https_proxy: `${secret}a:3128\r` }, { no_proxy: 'a.example,\u200bb.example' }]) {
      const faults = faultsOf(env, names);
      expect(faults).toEqual([expect.stringMatching(/^(https|no)_proxy: expected no invisible character/)]);
      expect(faults.join()).not.toMatch(/hunter2|user:h/);
    }
    expect(read({ HTTPS_PROXY: '\uFEFFhttp://a:3128' })).toBe('a:3128');
  });

  it('allow callbacks to every public host by default', () => {
    const hostsOf = (env: Record<string, string>) => readSettings(env, ['QRCAST_CALLBACK_HOSTS']).QRCAST_CALLBACK_HOSTS;
    expect(hostsOf({})).toEqual(['*']);
    expect(hostsOf({ QRCAST_CALLBACK_HOSTS: '*, http://127.0.0.1:8080' })).toEqual(['*', 'http://127.0.0.1:8080']);
  });

  it('normalise the public address', () => {
    const urlOf = (text: string) => readSettings({ QRCAST_PUBLIC_URL: text }, ['QRCAST_PUBLIC_URL']).QRCAST_PUBLIC_URL;
    expect(urlOf('HTTPS://Host.Example:443/qrcast/')).toBe('https://host.example/qrcast');
  });

  it('report all faults at once, by name and rule, never by value', () => {
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

  it.each(Object.keys(SETTINGS) as (keyof typeof SETTINGS)[])('refuse %s with an invisible character, wherever it stands', (name) => {
    const secret = 'd75b3a66374942c5b3c019c698abc206';
    for (const value of [
      `${secret}\r`,
      `${secret}\n`,
      `\u00a0${secret}`,
      `d75b\u200b${secret}`,
      `${secret}\u{E0041}`,
      '\r',
      '\uFEFF\uFEFF1',
    ]) {
      const faults = faultsOf({ [name]: value }, [name]);
      expect(faults[0]).toContain(`${name}: expected no invisible character`);
      expect(faults.join()).not.toContain('d75b');
    }
    expect(faultsOf({ [name]: `${secret}\uFFFD` }, [name])[0]).toContain(`${name}: expected UTF-8 text`);
    expect(faultsOf({ [`${name}\u200b`]: secret }, [name])[0]).toContain(`${name}: the variable's name: expected no invisible character`);
  });

  it('are read without one leading byte-order mark of the name or the value', () => {
    expect(readSettings({ '\uFEFFPORT': '8080', QRCAST_LOG_LEVEL: '\uFEFFwarn', QRCAST_NAMESPACE: '\uFEFF' }, NAMES)).toMatchObject({
      PORT: 8080,
      QRCAST_LOG_LEVEL: 'warn',
      QRCAST_NAMESPACE: 'qrcast',
    });
    expect(readSettings({ '\uFEFFPORT': '8080', PORT: '81' }, NAMES).PORT).toBe(81);
    for (const env of [{ '\uFEFFhttps_proxy': 'http://a:3128' }, { https_proxy: '\uFEFF', HTTPS_PROXY: '\uFEFFhttp://a:3128' }]) {
      expect(readSettings(env, ['HTTPS_PROXY']).HTTPS_PROXY?.address).toBe('a:3128');
    }
  });

  it.each(['ключ-администратора-из-букв', 'abc def0123456789abcdef0123', `${'0123456789abcdef'.repeat(300)}`])(
    'refuse an admin key that no header can hold (%#)',
    (key) => {
      expect(faultsOf({ QRCAST_ADMIN_KEY: key }, ['QRCAST_ADMIN_KEY'])[0]).toContain('QRCAST_ADMIN_KEY: expected');
    },
  );

  it('are checked against one another', () => {
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

describe('the files for TLS to Redis', () => {
  const names = ['REDIS_URL', 'QRCAST_REDIS_CA', 'QRCAST_REDIS_CERT', 'QRCAST_REDIS_KEY'] as const;
  const tls = { REDIS_URL: 'rediss://127.0.0.1:6379' };

  it('are looked at, and their paths appear in no fault', () => {
    const itself = fileURLToPath(import.meta.url);
    expect(faultsOf({ ...tls, QRCAST_REDIS_CA: '/no/such-31.pem', QRCAST_REDIS_CERT: itself, QRCAST_REDIS_KEY: itself }, names)).toEqual([
      'QRCAST_REDIS_CA: expected the path of a PEM file with certificates; this file cannot be read (ENOENT) (came: text of 15 characters)',
      expect.stringMatching(/^QRCAST_REDIS_CERT: expected the path of a PEM file with a certificate; this file has none/),
      expect.stringMatching(
        /^QRCAST_REDIS_KEY: expected the path of a PEM file with a private key without a passphrase; this file has none/,
      ),
    ]);
  });

  it('belong to a rediss:// address, and a certificate to its key', () => {
    const folder = mkdtempSync(join(tmpdir(), 'qrcast-settings-'));
    const file = join(folder, 'cert.pem');
    writeFileSync(file, '-----BEGIN CERTIFICATE-----\n');
    for (const url of [tls.REDIS_URL, 'rediss+sentinel://127.0.0.1/main']) {
      expect(readSettings({ REDIS_URL: url, QRCAST_REDIS_CA: file }, names)).toMatchObject({ QRCAST_REDIS_CA: file });
    }
    expect(faultsOf({ REDIS_URL: 'redis://127.0.0.1:6379', QRCAST_REDIS_CERT: file }, names)).toEqual([
      'QRCAST_REDIS_CERT and QRCAST_REDIS_KEY: expected both or neither',
      expect.stringContaining('expected a rediss:// address in REDIS_URL'),
    ]);
    rmSync(folder, { recursive: true });
  });
});

it('an address of Redis may name Sentinels or a cluster, and its faults repeat nothing of it', () => {
  const faults = (url: string) => faultsOf({ REDIS_URL: url }, ['REDIS_URL']);
  for (const scheme of ['redis', 'rediss']) expect(faults(`${scheme}+sentinel://:p@a:1,b:2/main?db=1`)).toEqual([]);
  for (const url of ['redis+cluster://:p@a', 'rediss+cluster://a:1,b:2', 'redis://u:p@a:1,b:2']) expect(faults(url)).toEqual([]);
  expect(faults('redis+sentinel://secret31:1')).toEqual([expect.stringMatching(/^REDIS_URL: expected the name of the master/)]);
  expect(faults('redis+cluster://secret31/3')).toEqual([expect.stringMatching(/^REDIS_URL: expected no database/)]);
  for (const other of [
    'sentinel://secret31',
    'redis-sentinel://secret31',
    'redis+clusters://secret31:1,b:2',
    'redis+sentinel://secret31 /x',
  ]) {
    expect(faults(other)).toEqual([expect.stringMatching(/^REDIS_URL: expected redis:\/\/(?!.*secret31).*redis\+sentinel:\/\//)]);
  }
});

it('an address of Redis whose password is not percent-encoded is refused, not misread', () => {
  const faults = (url: string) => faultsOf({ REDIS_URL: url }, ['REDIS_URL']);
  for (const password of ['31%off', '31#x', '31/x', '31?x']) {
    const [fault] = faults(`redis://user:${password}@127.0.0.1:6379`);
    expect(fault).toMatch(/^REDIS_URL: expected .*percent-encoded/);
    expect(fault).not.toContain('31');
    expect(faults(`redis://user:${encodeURIComponent(password)}@127.0.0.1:6379`)).toEqual([]);
  }
});
