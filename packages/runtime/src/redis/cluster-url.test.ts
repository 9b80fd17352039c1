import { describe, expect, it } from 'vitest';
import { isClusterUrl, parseClusterUrl } from './cluster-url.ts';

describe('the address of a cluster', () => {
  it.each([
    ['redis+cluster://a', [{ host: 'a', port: 6379 }]],
    ['redis+cluster://a:7000/', [{ host: 'a', port: 7000 }]],
    ['redis+cluster://a:7000/0', [{ host: 'a', port: 7000 }]],
    [
      'redis://a:1,b:2',
      [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
      ],
    ],
    [
      'rediss+cluster://[::1]:1,b.example',
      [
        { host: '::1', port: 1 },
        { host: 'b.example', port: 6379 },
      ],
    ],
  ])('%s names nodes', (address, nodes) => {
    expect(isClusterUrl(address)).toBe(true);
    expect(parseClusterUrl(address)).toEqual({ nodes, user: {}, tls: address.startsWith('rediss') });
  });

  it.each([
    ['redis+cluster://:p%40@a', { password: 'p@' }],
    ['redis+cluster://u:p@a', { username: 'u', password: 'p' }],
    ['redis://u:p,q@a,b', { username: 'u', password: 'p,q' }],
  ])('%s holds a user', (address, user) => {
    expect(parseClusterUrl(address).user).toEqual(user);
  });

  it.each(['redis://a:1', 'redis://u:p,q@a:1', 'redis+sentinel://a,b/main', 'rediss://a/0?x=1,2', 'cluster://a,b'])(
    '%s is none',
    (address) => {
      expect(isClusterUrl(address)).toBe(false);
    },
  );

  it.each([
    ['redis+cluster://', 'expected hosts of the cluster'],
    ['redis+cluster://secret31:x', 'host 1: expected host:port'],
    ['redis+cluster://a,secret31:99999', 'host 2: expected host:port'],
    ['redis+cluster://a,', 'host 2: expected host:port'],
    ['redis+cluster://a/1', 'expected no database'],
    ['redis+cluster://a/secret31', 'expected no database'],
    ['redis+cluster://a?secret31=1', 'expected no parameters'],
    ['redis+cluster://a#secret31', 'without a #'],
    ['redis+cluster://:secret31%@a', 'percent-encoded'],
    ['redis+cluster://:secret31/@a', 'percent-encoded'],
  ])('%s is refused, and repeated nowhere', (address, words) => {
    const refusal = () => parseClusterUrl(address);
    expect(refusal).toThrow(words);
    expect(refusal).not.toThrow('secret31');
  });
});
