import { describe, expect, it } from 'vitest';
import { createPrefixRemover } from './path-prefix.ts';

describe('a prefix', () => {
  it.each([
    ['/qrcast', '/qrcast/v1/sessions?limit=1', '/v1/sessions?limit=1'],
    ['/qrcast', '/qrcast/', '/'],
    ['/qrcast', '/qrcast', '/'],
    ['/qrcast', '/qrcast?lang=ru', '/?lang=ru'],
    ['/qrcast', '/%71rcast/connect', '/connect'],
    ['/a/b', '/a/b/v1/ws', '/v1/ws'],
    ['/%D0%B2%D1%85%D0%BE%D0%B4', '/%d0%b2%D1%85%D0%BE%D0%B4/connect', '/connect'],
    ['/my%20logins', '/my%20logins/socket.io/?EIO=4', '/socket.io/?EIO=4'],
    ['/qrcast', '/qrcast/qrcast/connect', '/qrcast/connect'],
    ['/qrcast', '/qrcast//v1/sessions', '//v1/sessions'],
    ['/qrcast', '/qrcast/connect%23secret', '/connect%23secret'],
    ['', '/connect', '/connect'],
    ['', '//connect', '//connect'],
    ['/qrcast', '//connect', '/connect'],
    ['/qrcast', '//', '/'],
    ['/qrcast', '//?lang=ru', '/?lang=ru'],
    ['/a/b', '//v1/ws', '/v1/ws'],
    ['/qrcast', '//v1/webhooks/green-api/acme', '/v1/webhooks/green-api/acme'],
    ['/qrcast', '///connect', '//connect'],
    ['/qrcast', '//qrcast/connect', '/qrcast/connect'],
  ])('%s is removed from %s', (prefix, url, expected) => {
    expect(createPrefixRemover(prefix)(url)).toBe(expected);
  });

  it.each([
    ['/qrcast', '/v1/sessions'],
    ['/qrcast', '/qrcastle/connect'],
    ['/qrcast', '/QRCAST/connect'],
    ['/qrcast', '/qrcast%2Fconnect'],
    ['/qrcast', '//v1/admin/tenants'],
    ['/qrcast', '//v1/admin'],
    ['/qrcast', '/%zz/connect'],
    ['/qrcast', '/v1?/qrcast/connect'],
    ['/a/b', '/a/connect'],
    ['/a/b', '/a'],
    ['/qrcast', '/qrcast/v1/admin/tenants'],
    ['/qrcast', '/%71rcast/v1/admin'],
    ['/qrcast', '*'],
    ['/qrcast', 'http://host.example/qrcast/connect'],
    ['/qrcast', ''],
  ])('%s is not removed from %s', (prefix, url) => {
    expect(createPrefixRemover(prefix)(url)).toBe(url);
  });
});
