import { describe, expect, it } from 'vitest';
import { isSentinelUrl, parseSentinelUrl } from './sentinel-url.ts';

const faultOf = (address: string): string => {
  try {
    parseSentinelUrl(address);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
};

describe('the address of a Redis behind Sentinel', () => {
  it('names Sentinels and a master; the rest has defaults', () => {
    expect(parseSentinelUrl('redis+sentinel://a,b:1/main')).toEqual({
      sentinels: [
        { host: 'a', port: 26379 },
        { host: 'b', port: 1 },
      ],
      master: 'main',
      user: {},
      sentinelUser: {},
      db: 0,
      tls: false,
      sentinelTls: false,
    });
  });

  it('holds a user for Redis and one for the Sentinels', () => {
    const { user, sentinelUser, db } = parseSentinelUrl(
      'redis+sentinel://u%40:p%2F%3F%23@a/main?db=3&sentinelUsername=s&sentinelPassword=%26%2B%25',
    );
    expect({ user, sentinelUser, db }).toEqual({
      user: { username: 'u@', password: 'p/?#' },
      sentinelUser: { username: 's', password: '&+%' },
      db: 3,
    });
    expect(parseSentinelUrl('redis+sentinel://:p@a/main').user).toEqual({ password: 'p' });
  });

  it('says which servers speak TLS', () => {
    const tlsOf = (address: string): boolean[] => {
      const { tls, sentinelTls } = parseSentinelUrl(address);
      return [tls, sentinelTls];
    };
    expect(tlsOf('rediss+sentinel://a/main')).toEqual([true, true]);
    expect(tlsOf('rediss+sentinel://a/main?sentinelTls=false')).toEqual([true, false]);
    expect(tlsOf('redis+sentinel://a/main?sentinelTls=false')).toEqual([false, false]);
  });

  it('takes addresses of IPv6, and the paths of files that we add ourselves', () => {
    const { sentinels } = parseSentinelUrl('rediss+sentinel://[::1]:7,[fe80::2]/main?qrcast-ca-file=%2Fca.pem');
    expect(sentinels).toEqual([
      { host: '::1', port: 7 },
      { host: 'fe80::2', port: 26379 },
    ]);
  });

  it.each([
    ['redis+sentinel://secret31:secret31@a:1', 'expected the name of the master'],
    ['redis+sentinel://secret31:secret31@a:1/', 'expected the name of the master'],
    ['redis+sentinel://secret31:secret31@/main', 'expected the hosts'],
    ['redis+sentinel:///main', 'expected the hosts'],
    ['redis+sentinel://a:1,/secret31', 'host 2: expected host:port'],
    ['redis+sentinel://a:99999/secret31', 'host 1: expected host:port'],
    ['redis+sentinel://a/main/0', 'the database is a parameter'],
    ['redis+sentinel://a/main?secret31=1', 'expected no other parameters than db, sentinelUsername'],
    ['redis+sentinel://a/main?db=secret31', 'expected a whole number as db'],
    ['redis+sentinel://a/main?sentinelUsername=secret31', 'expected sentinelPassword'],
    ['redis+sentinel://a/main?sentinelTls=secret31', 'expected true or false'],
    ['redis+sentinel://a/main?sentinelTls=true', 'expected rediss+sentinel://'],
    ['redis+sentinel://a/main#secret31', 'without a #'],
    ...['secret31%off', 'secret31@x', 'secret31#x', 'secret31/x', 'secret31?x'].map((password) => [
      `redis+sentinel://user:${password}@a:1/main`,
      'percent-encoded',
    ]),
  ])('is refused in words that repeat nothing: %s', (address = '', words = '') => {
    expect(faultOf(address)).toContain(words);
    expect(faultOf(address)).not.toContain('secret31');
  });

  it('is told from that of a single Redis', () => {
    expect(['redis+sentinel://', 'rediss+sentinel://', 'redis://', 'rediss://', 'sentinel://'].map(isSentinelUrl)).toEqual([
      ...[true, true, false, false, false],
    ]);
  });
});
