import { expect, test } from 'vitest';
import { parseNoProxy } from './no-proxy.ts';

const API = 'https://1101.api.green-api.com';

test.each<readonly [text: string, direct: readonly string[], proxied: readonly string[]]>([
  ['', [], [API]],
  [' , ,', [], [API]],
  ['*', [API, 'https://[::1]:1', 'https://10.0.0.1'], []],
  ['other.example, *', [API], []],
  ['1101.api.green-api.com', [API, `${API}:8443`], ['https://1102.api.green-api.com', 'https://x1101.api.green-api.com']],
  ['green-api.com', [API, 'https://green-api.com'], ['https://evilgreen-api.com', 'https://green-api.com.evil.example']],
  ['.green-api.com', [API, 'https://green-api.com'], ['https://evilgreen-api.com']],
  ['*.green-api.com', [API], ['https://green-api.com', 'https://evilgreen-api.com']],
  ['GREEN-API.com.', [API, 'https://green-api.com.'], []],
  ['localhost', ['https://localhost:8443'], ['https://127.0.0.1:8443']],
  ['com', [API], ['https://api.example']],
  ['пример.рф', ['https://xn--e1afmkfd.xn--p1ai', 'https://a.xn--e1afmkfd.xn--p1ai'], [API]],
  ['1101.api.green-api.com:443', [API], [`${API}:8443`]],
  ['green-api.com:8443', [`${API}:8443`], [API]],
  ['*:8443', [`${API}:8443`, 'https://[::1]:8443'], [API]],
  ['10.0.0.7', ['https://10.0.0.7', 'https://10.0.0.7:8443'], ['https://10.0.0.70', 'https://10.0.0.8']],
  ['10.0.0.7:443', ['https://10.0.0.7'], ['https://10.0.0.7:8443']],
  ['10.0.0.0/8', ['https://10.200.0.1'], ['https://11.0.0.1', API]],
  ['::1', ['https://[::1]:8443'], ['https://[::2]']],
  ['[::1]', ['https://[::1]:8443'], ['https://[::2]']],
  ['[::1]:443', ['https://[::1]'], ['https://[::1]:8443']],
  ['2001:DB8:0:0::1', ['https://[2001:db8::1]'], []],
  ['fd00::/8', ['https://[fd12::1]'], ['https://[fe80::1]']],
  ['localhost 127.0.0.1\tgreen-api.com', [API, 'https://localhost', 'https://127.0.0.1'], ['https://example.com']],
])('%j', (text, direct, proxied) => {
  const { isDirect, unknown } = parseNoProxy(text);
  expect(direct.filter((origin) => !isDirect(origin))).toEqual([]);
  expect(proxied.filter(isDirect)).toEqual([]);
  expect(unknown).toEqual([]);
});

test.each([
  '10.*',
  '192.168.*.*',
  '192.168',
  '10.0.0.1-10.0.0.9',
  '10.0.0.0/33',
  '10.0.0.0/8:443',
  '<local>',
  'http://example.com',
  'exa*ple.com',
  'user@example.com',
  'example.com:port',
  'example.com/path',
  '..',
  'fe80::1%eth0',
])('%s exempts nothing, and its position is reported', (entry) => {
  const { isDirect, unknown } = parseNoProxy(`localhost,${entry} example.org`);
  expect(unknown).toEqual([2]);
  for (const origin of [API, 'https://10.0.0.1', 'https://192.168.0.1', 'https://192.0.0.168', 'https://example.com']) {
    expect(isDirect(origin)).toBe(false);
  }
  expect(isDirect('https://example.org')).toBe(true);
});
