import { expect, it } from 'vitest';
import { authorityOf, bareHost } from './authority.ts';

it.each([
  ['https://api.example.com/path', 'api.example.com:443', 'api.example.com'],
  ['http://api.example.com', 'api.example.com:80', 'api.example.com'],
  ['https://api.example.com:8443', 'api.example.com:8443', 'api.example.com'],
  ['http://[::1]', '[::1]:80', '::1'],
])('%s', (text, authority, host) => {
  const url = new URL(text);
  expect([authorityOf(url), bareHost(url.hostname)]).toEqual([authority, host]);
});
