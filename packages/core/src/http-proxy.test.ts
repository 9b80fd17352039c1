import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { parseHttpProxy } from './http-proxy.ts';

const basic = (credentials: string): string => `Basic ${Buffer.from(credentials).toString('base64')}`;

test.each([
  ['http://proxy.example.com:3128', 'http://proxy.example.com:3128', 'proxy.example.com:3128', null],
  ['http://proxy.example.com:3128/', 'http://proxy.example.com:3128', 'proxy.example.com:3128', null],
  ['http://proxy.example.com', 'http://proxy.example.com', 'proxy.example.com:80', null],
  ['https://proxy.example.com', 'https://proxy.example.com', 'proxy.example.com:443', null],
  ['HTTP://Proxy.Example.COM:80', 'http://proxy.example.com', 'proxy.example.com:80', null],
  ['http://[::1]:3128', 'http://[::1]:3128', '[::1]:3128', null],
  ['http://10.0.0.7:3128', 'http://10.0.0.7:3128', '10.0.0.7:3128', null],
  ['http://пример.рф:3128', 'http://xn--e1afmkfd.xn--p1ai:3128', 'xn--e1afmkfd.xn--p1ai:3128', null],
  ['http://user:pass@proxy:3128', 'http://proxy:3128', 'proxy:3128', basic('user:pass')],
  ['http://user@proxy:3128', 'http://proxy:3128', 'proxy:3128', basic('user:')],
  ['http://:token@proxy:3128', 'http://proxy:3128', 'proxy:3128', basic(':token')],
  ['http://DOMAIN%5Cuser:p%40ss%3Aw%2Frd%25@proxy:3128', 'http://proxy:3128', 'proxy:3128', basic('DOMAIN\\user:p@ss:w/rd%')],
  ['http://user:p@ss@proxy:3128', 'http://proxy:3128', 'proxy:3128', basic('user:p@ss')],
  ['http://%D0%B8%D0%B2%D0%B0%D0%BD:пароль@proxy:3128', 'http://proxy:3128', 'proxy:3128', basic('иван:пароль')],
])('%s', (text, origin, address, authorization) => {
  const proxy = parseHttpProxy(text);
  expect(proxy).toMatchObject({ origin, address });
  expect(proxy.authorization()).toBe(authorization);
});

test.each([
  ['proxy.example.com:3128', 'the scheme is missing'],
  ['user:secret@proxy:3128', 'the scheme is missing'],
  ['//proxy:3128', 'the scheme is missing'],
  ['proxy/http://secret', 'the scheme is missing'],
  ['xhttp://proxy:3128', 'expected http://'],
  ['socks5://proxy:1080', 'SOCKS'],
  ['socks5h://proxy:1080', 'SOCKS'],
  ['socks://user:secret@proxy:1080', 'SOCKS'],
  ['ftp://proxy:3128', 'expected http://'],
  ['http://', 'expected http://'],
  ['http://:3128', 'expected http://'],
  ['http://proxy:70000', 'expected http://'],
  ['http://proxy:3128/path', 'without a path'],
  ['http://proxy:3128/proxy.pac', 'without a path'],
  ['http://proxy:3128?a=secret', 'without a path'],
  ['http://proxy:3128#a', 'without a path'],
  ['http://user:se/cret@proxy:3128', '%XX'],
  ['http://user:se#cret@proxy:3128', '%XX'],
  ['http://user:100%secret@proxy:3128', '%25'],
  ['http://user:%ffsecret@proxy:3128', '%25'],
  ['http://100%user:secret@proxy:3128', '%25'],
  ['http://us%3Aer:secret@proxy:3128', 'colon'],
  ['http://user:secret%0d%0a@proxy:3128', 'invisible character'],
  ['http://user%00:secret@proxy:3128', 'invisible character'],
  ['http://proxy:3128\r', 'invisible characters'],
  ['http://proxy:3128\n', 'invisible characters'],
  [' http://proxy:3128', 'without spaces'],
  ['http://pro xy:3128', 'without spaces'],
  ['http://proxy\u200b:3128', 'invisible characters'],
  ['\ufeffhttp://proxy:3128', 'invisible characters'],
  ['http://proxy\u00a0:3128', 'without spaces'],
])('%j is refused in words, and not repeated', (text, words) => {
  const refused = (): unknown => parseHttpProxy(text);
  expect(refused).toThrow(words);
  expect(refused).not.toThrow('secret');
});

test('neither JSON nor an inspection shows the credentials', () => {
  const proxy = parseHttpProxy('http://user:hunter2@proxy:3128');
  const shown = JSON.stringify(proxy) + inspect(proxy, { depth: null, showHidden: true });
  expect(shown).not.toMatch(/hunter2|user|Basic/);
  expect(shown).not.toContain(basic('user:hunter2').slice(6));
});
