/**
 * The oldest browsers that the README names, and what they lack: Chrome and Edge 85, Firefox 79,
 * Safari 14.1 (iOS 14.5). The client runs in other people's pages, so this is checked: the
 * published code contains none of the names below, which by MDN's browser-compat-data are newer
 * than these versions.
 */

import { globSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FREE_PACE, openRecorded, openServer } from '../test/peer.ts';
import { showing } from '../test/session.ts';
import { createCalls } from './calls.ts';
import { parseOptions } from './parse-options.ts';
import { longPoll } from './transports/long-poll.ts';
import { sse } from './transports/sse.ts';

const NEWER_STATICS =
  'AbortSignal.abort AbortSignal.any AbortSignal.timeout URL.canParse URL.parse Response.json ReadableStream.from Object.groupBy Object.hasOwn ' +
  'Map.groupBy Promise.try Promise.withResolvers Array.fromAsync RegExp.escape Error.isError Iterator.from Symbol.dispose Symbol.asyncDispose';

/** Names of members of any object. `duplex` and `keepalive` are options of a request. */
const NEWER_MEMBERS =
  'at findLast findLastIndex toReversed toSorted toSpliced with getOrInsert getOrInsertComputed difference intersection isDisjointFrom ' +
  'isSubsetOf isSupersetOf symmetricDifference union isWellFormed toWellFormed hasIndices throwIfAborted getSetCookie bytes duplex ' +
  'keepalive textStream pipeThrough pipeTo when randomUUID toBase64 toHex transfer toArray';

const NEWER_GLOBALS =
  'structuredClone reportError scheduler trustedTypes Temporal DisposableStack AsyncDisposableStack SuppressedError Atomics SharedArrayBuffer ' +
  'WeakRef FinalizationRegistry';

/** Syntax of ES2022 and later, and look-behind. */
const NEWER_SYNTAX = /^(?:await|using) |\bstatic\s*\{|\bthis\.#|\(\?<[!=]|\/[a-z]*[dv][a-z]*\.test\(/m;

const files = globSync('**/*.ts', { cwd: import.meta.dirname }).filter((file) => !/test/.test(file));
const codeOf = (file: string): string =>
  stripTypeScriptTypes(readFileSync(join(import.meta.dirname, file), 'utf8')).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');

describe('what is published', () => {
  it.each(files)('%s uses nothing that the oldest browsers lack', (file) => {
    const code = codeOf(file);
    for (const name of NEWER_STATICS.split(' ')) expect(code).not.toMatch(new RegExp(`\\b${name.replace('.', '\\??\\.')}\\b`));
    for (const name of NEWER_MEMBERS.split(' ')) expect(code).not.toMatch(new RegExp(`\\.${name}\\(`));
    for (const name of NEWER_GLOBALS.split(' ')) expect(code).not.toMatch(new RegExp(`\\b${name}\\b`));
    expect(code).not.toMatch(/\?*\.size\b|signal\??\.reason|\{ cause\b/);
    expect(code).not.toMatch(/addEventListener\([^)]*\{[^}]*\bsignal\b/); // Safari before 15 ignores it, so the listener would stay
    expect(code).not.toMatch(NEWER_SYNTAX);
  });
});

describe('without what older browsers lack', () => {
  const LACKING: readonly [object, string][] = [
    [AbortSignal, 'any'],
    [AbortSignal, 'timeout'],
    [URL, 'canParse'],
    [URL, 'parse'],
    [URLSearchParams.prototype, 'size'],
    [globalThis, 'structuredClone'],
    [crypto, 'randomUUID'],
    [Promise, 'try'],
  ];
  let restore: (() => void)[] = [];
  beforeEach(() => {
    restore = LACKING.map(([owner, name]) => {
      const holder = name in owner && !Object.hasOwn(owner, name) ? (Object.getPrototypeOf(owner) as object) : owner;
      const descriptor = Object.getOwnPropertyDescriptor(holder, name) ?? {};
      Reflect.deleteProperty(holder, name);
      expect(name in owner, name).toBe(false);
      return () => void Object.defineProperty(holder, name, descriptor);
    });
  });
  afterEach(() => {
    for (const one of restore) one();
  });

  it('the password is sent, and no call rejects', async () => {
    const { url, close } = await openServer((_request, response) => void response.end('{}'));
    const calls = createCalls({ url, ticket: () => 't', pace: FREE_PACE });
    expect([await calls.sendPassword('p'), await calls.resume(), await calls.startOver()]).toEqual([
      { ok: true },
      { ok: true },
      { ok: true },
    ]);
    await close();
    expect(await calls.sendPassword('p')).toMatchObject({ ok: false, error: { code: 'unavailable' } });
    calls.close();
    expect(await calls.sendPassword('p')).toMatchObject({ ok: false });
  });

  it.each([longPoll(), sse()])('$name shows the code, and sends the right requests', async (transport) => {
    const asked: string[] = [];
    const { url, close } = await openServer((request, response) => {
      asked.push(request.url ?? '');
      if (request.url?.includes('wait=')) return;
      const session = JSON.stringify(transport.name === 'sse' ? showing(3) : { session: showing(3) });
      response.setHeader('content-type', transport.name === 'sse' ? 'text/event-stream' : 'application/json');
      response.end(transport.name === 'sse' ? `event: session\ndata: ${session}\n\n` : session);
    });
    const client = openRecorded(transport, { url, formats: ['text'], visible: false, pace: FREE_PACE });
    expect([await client.next(), await client.next()]).toEqual(['open', 'session 3']);
    client.connection.close();
    await close();
    expect(asked[0]).toMatch(/\?formats=text&visible=false$/);
  });

  it('the options are understood', () => {
    expect(parseOptions({ url: 'https://a/b/', ticket: 't' })).toMatchObject({ url: 'https://a/b' });
    expect(() => parseOptions({ url: 'no address', ticket: 't' })).toThrow('options.url');
  });
});
