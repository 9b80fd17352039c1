import { describe, expect, it } from 'vitest';
import { PAGE_OPERATIONS } from './contract/http-pages.ts';
import { parsePublicUrl, pathPrefixOf } from './public-url.ts';

describe('a public URL', () => {
  it.each([
    ['https://qrcast.example.com', 'https://qrcast.example.com', ''],
    ['https://qrcast.example.com/', 'https://qrcast.example.com', ''],
    ['HTTPS://QRcast.Example.com:443/', 'https://qrcast.example.com', ''],
    ['http://127.0.0.1:3000', 'http://127.0.0.1:3000', ''],
    ['http://[::1]:3000/qr', 'http://[::1]:3000/qr', '/qr'],
    ['https://host.example/qrcast', 'https://host.example/qrcast', '/qrcast'],
    ['https://host.example/qrcast/', 'https://host.example/qrcast', '/qrcast'],
    ['https://host.example/a/b.c/d_e-f~g', 'https://host.example/a/b.c/d_e-f~g', '/a/b.c/d_e-f~g'],
    ['https://host.example/вход', 'https://host.example/%D0%B2%D1%85%D0%BE%D0%B4', '/%D0%B2%D1%85%D0%BE%D0%B4'],
    ['https://host.example/%d0%b2%d1%85%d0%be%d0%b4/', 'https://host.example/%d0%b2%d1%85%d0%be%d0%b4', '/%d0%b2%d1%85%d0%be%d0%b4'],
    ['https://host.example/my%20logins', 'https://host.example/my%20logins', '/my%20logins'],
    ['https://пример.рф/вход', 'https://xn--e1afmkfd.xn--p1ai/%D0%B2%D1%85%D0%BE%D0%B4', '/%D0%B2%D1%85%D0%BE%D0%B4'],
    ['https://host.example/connected', 'https://host.example/connected', '/connected'],
    ['https://host.example/api/v1', 'https://host.example/api/v1', '/api/v1'],
  ])('%s is accepted', (text, url, prefix) => {
    expect(parsePublicUrl(text)).toEqual({ kind: 'url', url });
    expect(pathPrefixOf(url)).toBe(prefix);
  });

  it.each([
    ['secret', 'expected http://host'],
    ['', 'expected http://host'],
    ['secret.example.com/qrcast', 'expected http://host'],
    ['//secret.example.com', 'expected http://host'],
    ['https:secret.example.com', 'expected http://host'],
    ['https:/secret.example.com', 'expected http://host'],
    ['https:///secret.example.com', 'expected http://host'],
    ['https://', 'expected http://host'],
    ['https://secret.example.com:99999', 'expected http://host'],
    ['https://secret.example.com:0', 'expected http://host'],
    ['https://secret host/', 'no space'],
    ['ftp://secret.example.com', 'expected http://host'],
    ['wss://secret.example.com', 'expected http://host'],
    ['xhttps://secret.example.com', 'expected http://host'],
    ['file:///secret', 'expected http://host'],
    ['javascript:secret', 'expected http://host'],
    ['https://user:secret@host.example', 'no user'],
    ['https://secret@host.example', 'no user'],
    ['https://:secret@host.example', 'no user'],
    ['https://@secret.example', 'no user'],
    ['https://host.example?secret=1', 'no query'],
    ['https://host.example/secret?', 'no query'],
    ['https://host.example/#secret', 'no fragment'],
    ['https://host.example/secret#', 'no fragment'],
    ['https://host.example//secret', 'no //'],
    ['https://host.example/secret//', 'no //'],
    ['https://host.example//', 'no //'],
    ['https://host.example/a//secret', 'no //'],
    ['https://host.example/secret/..', 'no . or ..'],
    ['https://host.example/../secret', 'no . or ..'],
    ['https://host.example/./secret', 'no . or ..'],
    ['https://host.example/%2e%2E/secret', 'no . or ..'],
    ['https://host.example/.%2e/secret', 'no . or ..'],
    ['https://host.example\\secret', 'not \\'],
    ['https://host.example/a\\secret', 'not \\'],
    ['https://host.example/secret%2Fb', 'no encoded /'],
    ['https://host.example/a/secret%2Fb', 'no encoded /'],
    ['https://host.example/secret%5cb', 'no encoded /'],
    ['https://host.example/secret%3Fb', 'no encoded /'],
    ['https://host.example/secret%23b', 'no encoded /'],
    ['https://host.example/secret%252e', 'no encoded /'],
    ['https://host.example/secret%ff', '% signs'],
    ['https://host.example/secret%', '% signs'],
    ['https://host.example/secret%00', 'invisible'],
    ['https://host.example/secret%E2%80%8B', 'invisible'],
    ['https://host.example/a/secret%E2%80%8B', 'invisible'],
    ['https://host.example/secret\u200b', 'invisible'],
    ['https://host.exa\u00admple/secret', 'invisible'],
    ['\ufeffhttps://secret.example', 'invisible'],
    ['https://host.example/secret\r', 'no invisible'],
    ['https://host.example/secret\n', 'no invisible'],
    ['https://host.example/sec\tret', 'no invisible'],
    [' https://secret.example', 'no space'],
    ['https://host.example/secret\u00a0', 'no invisible'],
    ['https://*.secret.example', 'one host name'],
    ['https://secret.example,b.example', 'one host name'],
    ['https://secret.example;b.example/qr', 'one host name'],
    ['https://host.example/v1', 'begin with a name'],
    ['https://host.example/client.js', 'begin with a name'],
    ['https://host.example/docs.css', 'begin with a name'],
    ['https://host.example/Connect/secret', 'begin with a name'],
    ['https://host.example/%76%31', 'begin with a name'],
    ['https://host.example/socket.io', 'begin with a name'],
  ])('%j is refused by a rule, and not repeated', (text, rule) => {
    const parsed = parsePublicUrl(text);
    expect(parsed).toEqual({ kind: 'fault', fault: expect.stringContaining(rule) });
    expect(JSON.stringify(parsed)).not.toContain('secret');
  });
});

it.each(PAGE_OPERATIONS.map(({ path }) => path.split('/')[1] ?? '').filter((name) => name !== ''))(
  'a path that begins with /%s is refused: the gateway answers there itself',
  (name) => {
    expect(parsePublicUrl(`https://host.example/${name}/below`)).toMatchObject({
      kind: 'fault',
      fault: expect.stringContaining(`/${name}`),
    });
  },
);
