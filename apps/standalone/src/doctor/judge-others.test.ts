import { describe, expect, it } from 'vitest';
import { judgeProvider, judgePublic } from './judge-addresses.ts';
import { judgeKeys, judgeStored } from './judge-keys.ts';
import { judgeSettings } from './judge-settings.ts';

const HOST = 'https://api.green-api.com';
const URL_SET = 'https://qrcast.example.com';

describe("the provider's host", () => {
  it('is fine if it answers anything', () => {
    const finding = judgeProvider({ host: HOST, proxy: 'proxy.example.com:3128', reached: { kind: 'answered', status: 404 } });
    expect(finding).toMatchObject({ level: 'ok', found: `${HOST} answers through the proxy proxy.example.com:3128`, mend: null });
  });

  it.each([
    [{ host: HOST, proxy: null, reached: { kind: 'failed', cause: 'refused' } }, 'fault', 'HTTPS_PROXY'],
    [{ host: HOST, proxy: null, reached: { kind: 'failed', cause: 'dns' } }, 'fault', 'name server'],
    [{ host: HOST, proxy: null, reached: { kind: 'failed', cause: 'tls' } }, 'fault', 'NODE_EXTRA_CA_CERTS'],
    [{ host: HOST, proxy: 'p:1', reached: { kind: 'failed', cause: 'timeout' } }, 'fault', "proxy's log"],
    [{ host: HOST, proxy: null, reached: { kind: 'private' } }, 'fault', 'QRCAST_UPSTREAM_HOSTS'],
    [{ host: HOST, proxy: 'p:1', reached: { kind: 'proxy', fault: 'status', status: 407 } }, 'fault', 'user and password of the proxy'],
    [{ host: HOST, proxy: 'p:1', reached: { kind: 'proxy', fault: 'status', status: 403 } }, 'fault', 'api.green-api.com to NO_PROXY'],
    [{ host: HOST, proxy: 'p:1', reached: { kind: 'proxy', fault: 'refused', status: null } }, 'fault', 'correct HTTPS_PROXY'],
    [{ host: HOST, proxy: 'p:1', reached: { kind: 'proxy', fault: 'certificate', status: null } }, 'fault', 'NODE_EXTRA_CA_CERTS'],
    [{ host: '*.api.example.com', proxy: null, reached: null }, 'unknown', 'name a host in full'],
  ] as const)('%j is %s', (facts, level, words) => {
    expect(judgeProvider(facts)).toMatchObject({ level, mend: expect.stringContaining(words) });
  });
});

describe('the public address', () => {
  it.each([
    [{ kind: 'answered', status: 200, isGateway: true }, 'ok', 'a gateway answers'],
    [{ kind: 'answered', status: 502, isGateway: false }, 'fault', 'answers 502'],
    [{ kind: 'failed', cause: 'refused' }, 'fault', 'nothing listens'],
    [{ kind: 'failed', cause: 'timeout' }, 'warning', 'in time'],
  ] as const)('%j is %s', (facts, level, words) => {
    expect(judgePublic(URL_SET, facts)).toMatchObject({ level, found: expect.stringContaining(words) });
  });
});

describe('the keys and the records', () => {
  const NOTHING = { tenants: 0, sessions: 0, secrets: 0, unopened: 0, unreadableSessions: 0, unreadableTenants: [] };

  it.each([
    [{ kind: 'fits', usedIds: [] }, 'ok', 'no process has used'],
    [{ kind: 'fits', usedIds: ['k1', 'k2'] }, 'ok', '"k1", "k2"'],
    [{ kind: 'differs', text: 'they have a key "k1". Add it' }, 'fault', 'they have a key "k1"'],
    [{ kind: 'failed', why: 'Redis answers NOPERM' }, 'unknown', 'NOPERM'],
  ] as const)('%j is %s', (facts, level, words) => {
    expect(judgeKeys(facts)).toMatchObject({ level, found: expect.stringContaining(words) });
  });

  it.each([
    [NOTHING, 'ok', '0 tenants'],
    [{ ...NOTHING, secrets: 3, unopened: 1 }, 'fault', '1 of 3 secrets'],
    [{ ...NOTHING, sessions: 3, unreadableSessions: 2 }, 'fault', '2 of 3 sessions'],
    [{ ...NOTHING, tenants: 2, unreadableTenants: ['acme'] }, 'fault', '"acme"'],
    [{ why: 'no answer within 10000 ms' }, 'unknown', 'no answer'],
  ])('%j is %s', (facts, level, words) => {
    expect(judgeStored(facts)).toMatchObject({ level, found: expect.stringContaining(words) });
  });
});

describe('the environment', () => {
  const SOUND = { REDIS_URL: 'redis://127.0.0.1', QRCAST_SECRET_KEYS: 'k1:DxkjWhj0dLLHPYDeBBWqsfH2IrS6ekQ5hZbo5gJv4Qo=' };
  const troubles = (env: Readonly<Record<string, string>>) =>
    judgeSettings(env, '26.12.1')
      .filter(({ level }) => level !== 'ok')
      .map(({ id, level, found }) => [id, level, found]);

  it('is fine with the two settings that are required', () => {
    expect(troubles(SOUND)).toEqual([]);
  });

  it('has a fault for each setting that is wrong, and repeats no value', () => {
    const found = troubles({ QRCAST_SECRET_KEYS: 'k1:short-secret', PORT: 'many' });
    expect(found.map(([id, level]) => [id, level])).toEqual(Array(3).fill(['settings', 'fault']));
    expect(JSON.stringify(found)).not.toContain('short-secret');
  });

  it('has a warning for a misspelled setting, for a proxy that is not used, and for an old Node', () => {
    expect(troubles({ ...SOUND, QRCAST_NAMESPCE: 'x', HTTP_PROXY: 'http://p:1' })).toEqual([
      ['setting-names', 'warning', expect.stringContaining('did you mean QRCAST_NAMESPACE?')],
      ['proxy-settings', 'warning', expect.stringContaining('HTTP_PROXY')],
    ]);
    expect(judgeSettings(SOUND, '26.0.0')[0]).toMatchObject({ id: 'node', level: 'warning' });
  });
});
