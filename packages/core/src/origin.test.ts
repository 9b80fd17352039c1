import { describe, expect, it } from 'vitest';
import { originOf, readOrigin } from './origin.ts';

describe('an origin has one form', () => {
  it.each([
    ['https://пример.рф', 'https://xn--e1afmkfd.xn--p1ai'],
    ['https://ПРИМЕР.РФ', 'https://xn--e1afmkfd.xn--p1ai'],
    ['https://xn--e1afmkfd.xn--p1ai', 'https://xn--e1afmkfd.xn--p1ai'],
    ['HTTPS://XN--E1AFMKFD.XN--P1AI.:443', 'https://xn--e1afmkfd.xn--p1ai'],
    ['https://пример。рф', 'https://xn--e1afmkfd.xn--p1ai'],
    ['https://app.Example.com.', 'https://app.example.com'],
    ['https://app.example.com:443', 'https://app.example.com'],
    ['http://app.example.com:80', 'http://app.example.com'],
    ['http://app.example.com:443', 'http://app.example.com:443'],
    ['https://app.example.com:08443', 'https://app.example.com:8443'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['https://faß.example', 'https://xn--fa-hia.example'],
    ['https://[0:0:0:0:0:0:0:1]:8443', 'https://[::1]:8443'],
    ['http://127.0.0.1:5173', 'http://127.0.0.1:5173'],
    ['http://localhost', 'http://localhost'],
    ['https://my_app.example.com', 'https://my_app.example.com'],
    ['capacitor://localhost', 'capacitor://localhost'],
    ['Capacitor://LOCALHOST', 'capacitor://localhost'],
    ['ionic://localhost', 'ionic://localhost'],
    ['tauri://localhost', 'tauri://localhost'],
    ['http://tauri.localhost', 'http://tauri.localhost'],
    ['app://localhost:3000', 'app://localhost:3000'],
    ['com.example.app://localhost', 'com.example.app://localhost'],
    ['app://my-app.example.com:65535', 'app://my-app.example.com:65535'],
    ['chrome-extension://abcdefghijklmnopabcdefghijklmnop', 'chrome-extension://abcdefghijklmnopabcdefghijklmnop'],
    ['moz-extension://6c3e7e1c-0d3b-4b0f-9a57-2a1b5d9f1a11', 'moz-extension://6c3e7e1c-0d3b-4b0f-9a57-2a1b5d9f1a11'],
    ['safari-web-extension://6C3E7E1C-0D3B-4B0F-9A57-2A1B5D9F1A11', 'safari-web-extension://6c3e7e1c-0d3b-4b0f-9a57-2a1b5d9f1a11'],
  ])('%s', (text, origin) => {
    expect(readOrigin(text)).toEqual({ kind: 'origin', origin });
    expect(originOf(text)).toBe(origin);
    expect(originOf(origin)).toBe(origin);
  });
});

it('an origin has at most 256 characters', () => {
  const [fits, over] = [256, 257].map((length) => readOrigin('https://a.example'.padEnd(length, 'e')).kind);
  expect([fits, over]).toEqual(['origin', 'refused']);
});

describe('what is not an origin is refused with its reason', () => {
  it.each([
    ['app.example.com', 'with its scheme'],
    ['', 'with its scheme'],
    ['//app.example.com', 'with its scheme'],
    ['null', 'null'],
    ['*', 'without *'],
    ['https://*.example.com', 'without *'],
    ['https://app.example.com/', 'slash at its end'],
    ['https://app.example.com/login', 'without a path'],
    ['https://app.example.com?x', 'a query'],
    ['https://app.example.com#x', 'a fragment'],
    ['https://user@app.example.com', 'without a user'],
    ['https://user:pass@app.example.com', 'without a user'],
    ['https://app.example.com\r', 'invisible character'],
    ['\uFEFFhttps://app.example.com', 'invisible character'],
    ['https://app\u200b.example.com', 'invisible character'],
    ['https://app\u00ad.example.com', 'invisible character'],
    ['https://app.example.com ', 'a name and a port'],
    ['https://a.example,https://b.example', 'without a path'],
    ['https://a.example;sandbox', 'name is not valid'],
    ["https://'self'", 'name is not valid'],
    ['https://a.example\\x', 'a name and a port'],
    ['https://%61.example', 'a name and a port'],
    ['https://a.example:', 'a name and a port'],
    ['https://a.example:x', 'name or port is not valid'],
    ['https://a.example:99999', 'name or port is not valid'],
    ['https://', 'name or port is not valid'],
    ['https://..', 'name is not valid'],
    ['https://[::g]', 'name or port is not valid'],
    ['file://', 'have no origin'],
    ['data://x', 'have no origin'],
    ['javascript://alert', 'have no origin'],
    ['wss://app.example.com', 'have no origin'],
    ['ws://app.example.com', 'have no origin'],
    ['ftp://app.example.com', 'have no origin'],
    ['about://blank', 'have no origin'],
    ['blob://x', 'have no origin'],
    ['filesystem://x', 'have no origin'],
    ['view-source://x', 'have no origin'],
    ['capacitor://', 'or of an app'],
    ['capacitor://localhost;x', 'or of an app'],
    ['capacitor://пример', 'or of an app'],
    ['xhttps://пример', 'or of an app'],
    ['httpsx://пример', 'or of an app'],
    ['capacitor:localhost', 'with its scheme'],
    ['-capacitor://localhost', 'with its scheme'],
    [`https://${'a'.repeat(600)}`, 'at most'],
  ])('%s', (text, words) => {
    const reading = readOrigin(text);
    expect(reading).toMatchObject({ kind: 'refused', rule: expect.stringContaining(words) });
    expect(JSON.stringify(reading)).not.toContain('a.example');
  });
});

it('a header with a slash at its end, as some clients send it, is the same origin; with a path it is not', () => {
  expect(originOf('https://app.example.com/')).toBe('https://app.example.com');
  expect(['null', '', 'https://app.example.com/x', 'https://app.example.com//'].map(originOf)).toEqual([null, null, null, null]);
});
