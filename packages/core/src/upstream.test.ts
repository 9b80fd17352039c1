import { expect, test } from 'vitest';
import { DEFAULT_UPSTREAM_HOSTS, defaultApiUrl, isAllowedUpstream, parseApiUrl, parsePastedUrl, parseUpstreamRule } from './upstream.ts';

test.each([
  ['https://1101.api.green-api.com', 'https://1101.api.green-api.com'],
  ['https://1101.api.green-api.com/', 'https://1101.api.green-api.com'],
  ['https://1101.api.green-api.com//', 'https://1101.api.green-api.com'],
  ['https://1101.api.green-api.com/v3', 'https://1101.api.green-api.com'],
  ['https://1101.api.green-api.com/v3/', 'https://1101.api.green-api.com'],
  ['https://1101.api.green-api.com//v3', 'https://1101.api.green-api.com'],
  ['HTTPS://API.Green-API.com:443/V3', 'https://api.green-api.com'],
  ['http://127.0.0.1:4000', 'http://127.0.0.1:4000'],
  ['http://[::1]:4000/', 'http://[::1]:4000'],
])('%s is the origin %s', (value, origin) => {
  expect(parseApiUrl(value)).toBe(origin);
});

test.each([
  '',
  'api.green-api.com',
  '//api.green-api.com',
  'https:api.green-api.com',
  'https:///api.green-api.com',
  'ftp://api.green-api.com',
  'xhttps://api.green-api.com',
  'file:///etc/passwd',
  'https://',
  'https://api.green-api.com/v4',
  'https://api.green-api.com/v3/waInstance1101000001',
  'https://api.green-api.com/v3/v3',
  'https://api.green-api.com/v3/..',
  'https://api.green-api.com?',
  'https://api.green-api.com/?a=1',
  'https://api.green-api.com/#',
  'https://user@api.green-api.com',
  'https://user:word@api.green-api.com',
  'https://@api.green-api.com',
  'https://api.green-api.com\\@evil.example',
  'https://api.green-api.com%2Fevil.example',
  'https://api.green-api.com:99999',
  ' https://api.green-api.com',
  'https://api.green\n-api.com',
  'https://api.green\u200b-api.com',
])('%j is no API URL', (value) => {
  expect(parseApiUrl(value)).toBeNull();
});

test.each([
  ['https://1101.api.green-api.com/waInstance1101000001/qr/token_-0', 'https://1101.api.green-api.com'],
  ['https://127.0.0.1/', 'https://127.0.0.1'],
  ['http://127.0.0.1:4000/a', 'http://127.0.0.1:4000'],
  ['https://1101.api.green-api.com', null],
  ['https://1101.api.green-api.com/?a=1', null],
  ['https://1101.api.green-api.com/#', null],
  ['https://1101.api.green-api.com/%2e', null],
  ['https://1101.api.green-api.com/a\r\nb', null],
  ['https://user@1101.api.green-api.com/a', null],
  ['xhttps://1101.api.green-api.com/a', null],
  ['nonsense/a', null],
])('%j was pasted from %s', (value, origin) => {
  expect(parsePastedUrl(value)).toBe(origin);
});

test.each([
  'https://1101.api.green-api.com',
  'https://7700.api.green-api.com/v3/',
  'https://3100.api.greenapi.com',
  'https://api.green-api.com:443',
  'https://API.GREENAPI.COM',
])('%s is the provider', (url) => {
  expect(isAllowedUpstream(url, DEFAULT_UPSTREAM_HOSTS)).toBe(true);
});

test.each([
  'http://1101.api.green-api.com',
  'http://api.green-api.com:443',
  'https://1101.api.green-api.com:8443',
  'https://api.green-api.com:8443',
  'https://green-api.com',
  'https://1101.api.green-api.com.evil.example',
  'https://1101.api.green-api.com.',
  'https://evil.example.api.green-api.com',
  'https://.api.green-api.com',
  'https://evilapi.green-api.com',
  'https://1101-api.green-api.com',
  'https://api.green-api.com@evil.example',
  'https://api.green-api.com\\.evil.example',
  'https://media.green-api.com',
  'https://127.0.0.1',
  'https://localhost',
  'http://127.0.0.1:4000',
  'http://169.254.169.254',
  'nonsense',
])('%s is not', (url) => {
  expect(isAllowedUpstream(url, DEFAULT_UPSTREAM_HOSTS)).toBe(false);
});

test.each<readonly [entry: string, url: string, allowed: boolean]>([
  ['http://127.0.0.1:4000', 'http://127.0.0.1:4000/', true],
  ['http://127.0.0.1:4000/', 'http://127.0.0.1:4000', true],
  ['http://127.0.0.1:4000', 'http://127.0.0.1:4001', false],
  ['http://127.0.0.1:4000', 'https://127.0.0.1:4000', false],
  ['http://127.0.0.1:4000', 'http://localhost:4000', false],
  ['http://127.0.0.1:80', 'http://127.0.0.1', true],
  ['http://localhost:4000', 'http://localhost:4000', true],
  ['http://[::1]:4000', 'http://[::1]:4000', true],
  ['https://localhost:4000', 'https://localhost:4000', true],
  ['http://127.100.20.30:4000', 'http://127.100.20.30:4000', true],
  ['http://[::1]', 'http://[::1]', false],
  ['http://127.0.0.1', 'http://127.0.0.1', false],
  ['127.0.0.1:4000', 'http://127.0.0.1:4000', false],
  ['127.0.0.1:4000', 'https://127.0.0.1:4000', false],
  ['localhost', 'https://localhost', false],
  ['http://mirror.example:4000', 'http://mirror.example:4000', false],
  ['http://127.0.0.1.evil.example:4000', 'http://127.0.0.1.evil.example:4000', false],
  ['https://mirror.example', 'https://mirror.example', true],
  ['https://mirror.example:8443', 'https://mirror.example:8443', true],
  ['mirror.example', 'https://mirror.example', true],
  ['mirror.example', 'https://mirror.example:8443', false],
  ['mirror.example:8443', 'https://mirror.example:8443', true],
  ['mirror.example:443', 'https://mirror.example', true],
  ['Mirror.Example', 'https://mirror.example', true],
  ['mirror.example', 'https://sub.mirror.example', false],
  ['mirror.example', 'http://mirror.example', false],
  ['*.mirror.example', 'https://mirror.example', false],
  ['*', 'https://mirror.example', false],
  ['*.example', 'https://mirror.example', false],
  ['*.*.example', 'https://a.mirror.example', false],
  ['mirror.*', 'https://mirror.example', false],
  ['', 'https://mirror.example', false],
])('entry %j and %s: %s', (entry, url, allowed) => {
  expect(isAllowedUpstream(url, [entry])).toBe(allowed);
});

test('an entry that could never match is recognised as a mistake', () => {
  expect(DEFAULT_UPSTREAM_HOSTS.map((entry) => parseUpstreamRule(entry)?.kind)).toEqual(['wildcard', 'wildcard', 'host', 'host']);
  const mistakes = [
    '*',
    '*.com',
    'x*.mirror.example',
    '*.mirror.example/',
    '_mirror.example',
    'localhost',
    '127.0.0.1',
    'http://mirror.example',
    'http://127.0.0.1',
    'https://user@mirror.example',
    'ftp://mirror.example',
    '://',
    'a b',
    'mirror.example/v3',
    '',
  ];
  expect(mistakes.map(parseUpstreamRule)).toEqual(mistakes.map(() => null));
});

test('an instance whose owner names no host has a default host', () => {
  expect(defaultApiUrl('310000000001')).toBe('https://3100.api.green-api.com');
});
