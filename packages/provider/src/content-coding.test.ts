import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { Outcome } from '@qrcast/core/outcome';
import { afterEach, describe, expect, it } from 'vitest';
import { openUpstream, readBody } from '../test/upstream.ts';
import { openProvider, type ProviderOptions } from './provider.ts';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

const TEXT = JSON.stringify({ stateInstance: 'notAuthorized' });
const READ: Outcome = { kind: 'notAuthorized' };
const UNREADABLE: Outcome = { kind: 'trouble', code: 'provider_error' };

interface Given {
  readonly body: string | Buffer;
  readonly coding?: string | readonly string[];
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A gzip header with every optional field. */
function withHead(gzip: Buffer): Buffer {
  const head = Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0x1c, 0, 0, 0, 0, 0, 3]), Buffer.from('\x03\0abcname\0comment\0', 'latin1')]);
  return Buffer.concat([head, gzip.subarray(10)]);
}

/** The outcome of one poll, the request's headers, and the codings that the client reported. */
async function poll({ body, coding, status = 200, headers = {} }: Given, options: ProviderOptions = {}) {
  let accepts: string | undefined;
  const warnings: string[] = [];
  const upstream = await openUpstream((request, response) => {
    accepts = request.headers['accept-encoding'] as string;
    response.writeHead(status, { ...headers, ...(coding === undefined ? {} : { 'content-encoding': coding as string }) }).end(body);
  });
  const provider = openProvider({ onUnknownCoding: (name) => void warnings.push(name), ...options });
  opened.push(upstream, provider);
  const outcome = await provider.poll(upstream.credentials, 'state');
  return { outcome, again: () => provider.poll(upstream.credentials, 'state'), accepts, warnings };
}

it('a request says which codings it accepts', async () => {
  const { outcome, accepts } = await poll({ body: TEXT });
  expect([outcome, accepts]).toEqual([READ, 'gzip, deflate, br']);
});

describe('an answer is read', () => {
  const gzip = gzipSync(TEXT);
  it.each<readonly [coding: string | readonly string[], body: string | Buffer]>([
    ['gzip', gzip],
    ['GZIP', gzip],
    ['x-gzip', gzip],
    [' gzip ', gzip],
    ['gzip', Buffer.concat([gzipSync(TEXT.slice(0, 9)), gzipSync(TEXT.slice(9))])],
    ['deflate', deflateSync(TEXT)],
    ['deflate', deflateRawSync(TEXT)],
    ['br', brotliCompressSync(TEXT)],
    ['identity', TEXT],
    ['', TEXT],
    ['gzip, br', brotliCompressSync(gzip)],
    ['br,gzip', gzipSync(brotliCompressSync(TEXT))],
    ['gzip, identity, gzip', gzipSync(gzip)],
    [['deflate', 'gzip'], gzipSync(deflateSync(TEXT))],
    ['gzip', gzipSync(`\uFEFF${TEXT}`)],
    ['zstd', zstdCompressSync(TEXT)],
    ['zstd', Buffer.concat([zstdCompressSync(TEXT.slice(0, 9)), zstdCompressSync(TEXT.slice(9))])],
  ])('in the coding %j', async (coding, body) => {
    expect(await poll({ body, coding })).toMatchObject({ outcome: READ, warnings: [] });
  });

  const BEHIND: readonly (readonly [what: string, behind: Buffer])[] = [
    ['a line end', Buffer.from('\r\n')],
    ['a tag', Buffer.from('<!-- served in 3 ms -->')],
    ['zeros', Buffer.alloc(16)],
    ['what begins as gzip does', Buffer.from([0x1f, 0x8b, 0])],
  ];
  describe.each(BEHIND)('with %s behind it', (_what, behind) => {
    it.each([
      ['gzip', gzip],
      ['gzip', withHead(gzip)],
      ['deflate', deflateSync(TEXT)],
      ['deflate', deflateRawSync(TEXT)],
      ['br', brotliCompressSync(TEXT)],
    ])('in the coding %s (%#)', async (coding, body) => {
      expect(await poll({ body: Buffer.concat([body, behind]), coding })).toMatchObject({ outcome: READ, warnings: [] });
    });
  });

  it('without its byte-order mark, but not without a second one', async () => {
    expect((await poll({ body: `\uFEFF${TEXT}` })).outcome).toEqual(READ);
    expect((await poll({ body: `\uFEFF\uFEFF${TEXT}` })).outcome).toEqual(UNREADABLE);
  });

  it('also if it is a refusal whose text matters', async () => {
    const body = gzipSync(JSON.stringify({ message: 'Instance is deleted' }));
    expect((await poll({ status: 400, body, coding: 'gzip' })).outcome).toEqual({ kind: 'refused', reason: 'instance_deleted' });
  });

  it('also the answer to a password', async () => {
    const upstream = await openUpstream(async (request, response) => {
      await readBody(request);
      const body = gzipSync(JSON.stringify({ status: true, data: { status: 'success', reason: '' } }));
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(body);
    });
    const provider = openProvider();
    opened.push(upstream, provider);
    expect(await provider.sendPassword(upstream.credentials, 'hunter2')).toEqual({ kind: 'accepted' });
  });
});

describe('an answer cannot be read', () => {
  it.each<readonly [what: string, coding: string, body: string | Buffer]>([
    ['that is not what it says', 'gzip', TEXT],
    ['that is cut', 'gzip', gzipSync(TEXT).subarray(0, 20)],
    ['with a wrong checksum', 'gzip', Buffer.concat([gzipSync(TEXT).subarray(0, -8), Buffer.alloc(8)])],
    ['with a wrong checksum before a line end', 'gzip', Buffer.concat([gzipSync(TEXT).subarray(0, -8), Buffer.from('01234567\r\n')])],
    ['whose second member is cut', 'gzip', Buffer.concat([gzipSync(TEXT), gzipSync(' ').subarray(0, -3)])],
    ['whose last byte is missing', 'gzip', gzipSync(TEXT).subarray(0, -1)],
    ['of a head alone', 'gzip', gzipSync(TEXT).subarray(0, 10)],
    ['of a name without an end', 'gzip', Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3, 0x61])],
    ['of an extra field without an end', 'gzip', Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 3, 0xff])],
    ['that is cut, in zstd', 'zstd', zstdCompressSync(TEXT).subarray(0, -2)],
    ['that is cut, in br', 'br', brotliCompressSync(TEXT).subarray(0, 10)],
    ['that is not what it says, in br', 'br', Buffer.alloc(40, 0xff)],
    ['that is not what it says, in deflate', 'deflate', Buffer.alloc(40, 0xff)],
    ['with its codings in the wrong order', 'br, gzip', brotliCompressSync(gzipSync(TEXT))],
  ])('%s', async (_what, coding, body) => {
    expect(await poll({ body, coding })).toMatchObject({ outcome: UNREADABLE, warnings: [] });
  });

  it.each([
    ['compress', 'compress', TEXT],
    ['gzip, made-up', 'made-up', gzipSync(TEXT)],
    ['gzip, gzip, gzip, gzip', 'more than 3', TEXT],
    ['se"cret/../x', 'malformed', TEXT],
  ])('in an unknown coding, which is reported once by its name: %s', async (coding, name, body) => {
    const { outcome, again, warnings } = await poll({ body, coding });
    expect(outcome).toEqual(UNREADABLE);
    expect(await again()).toEqual(UNREADABLE);
    expect(warnings).toEqual([name]);
  });

  it.each<readonly [status: number, outcome: Outcome]>([
    [401, { kind: 'refused', reason: 'credentials_rejected' }],
    [429, { kind: 'trouble', code: 'rate_limited', retryAfterMs: 7_000 }],
    [503, { kind: 'trouble', code: 'provider_error', retryAfterMs: 7_000 }],
    [504, { kind: 'trouble', code: 'provider_timeout' }],
    [404, UNREADABLE], // its text would say whether the token is wrong
    [403, UNREADABLE],
    [400, UNREADABLE],
  ])('but its status counts if that is enough: %i', async (status, outcome) => {
    expect((await poll({ status, body: 'x', coding: 'gzip', headers: { 'retry-after': '7' } })).outcome).toEqual(outcome);
  });

  it('an empty body is empty in every coding', async () => {
    expect((await poll({ status: 404, body: '', coding: 'gzip' })).outcome).toEqual({ kind: 'refused', reason: 'credentials_rejected' });
  });
});

describe('a decompression bomb is limited', () => {
  /** A client that decoded all of it would read the answer. */
  const bomb = Buffer.from(TEXT + ' '.repeat(50_000_000));
  it.each([
    ['gzip', gzipSync(bomb)],
    ['deflate', deflateSync(bomb)],
    ['br', brotliCompressSync(bomb)],
    ['zstd', zstdCompressSync(bomb)],
    ['gzip', Buffer.concat([gzipSync(bomb), Buffer.from('\r\n')])],
    ['gzip, gzip', gzipSync(gzipSync(bomb))],
  ])('%s', async (coding, body) => {
    expect(body.length).toBeLessThan(100_000);
    expect((await poll({ body, coding })).outcome).toEqual(UNREADABLE);
  });

  it('by the limit of a body, which may be exactly as long', async () => {
    const text = TEXT + ' '.repeat(1_000);
    const limit = { maxBodyBytes: text.length };
    expect((await poll({ body: gzipSync(text), coding: 'gzip' }, limit)).outcome).toEqual(READ);
    expect((await poll({ body: gzipSync(`${text} `), coding: 'gzip' }, limit)).outcome).toEqual(UNREADABLE);
  });
});

it('a call that is aborted while its answer is decoded rejects like any other', async () => {
  const ended = new AbortController();
  const upstream = await openUpstream((_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(TEXT));
    response.once('finish', () => ended.abort());
  });
  const provider = openProvider();
  opened.push(upstream, provider);
  const outcome = await provider.poll(upstream.credentials, 'state', ended.signal).catch((error: unknown) => error);
  expect([READ, ended.signal.reason]).toContainEqual(outcome); // whichever came first, and nothing else
});
