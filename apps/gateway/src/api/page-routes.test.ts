import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FastifyInstance, fastify } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addPageRoutes } from './page-routes.ts';

const SCRIPT = `export const words = ${JSON.stringify('a code '.repeat(100))};`;

let folder: string;
let app: FastifyInstance;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'qrcast-page-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'connect.html'), '<!doctype html><title>page</title>');
  for (const name of ['element.js', 'client.js']) await writeFile(join(folder, name), SCRIPT);
  await writeFile(join(folder, 'assets', 'connect.css'), 'body { margin: 0 }');
  await writeFile(join(folder, 'assets', 'notes.txt'), 'not served');
  app = fastify();
});
afterEach(async () => {
  await app.close();
  await rm(folder, { recursive: true, force: true });
});

/** The framers of the one session that may be framed. */
const framersOf = async (id: string): Promise<readonly string[]> =>
  id === 'ses_framed' ? ['https://app.example.com', 'https://shop.example.com:8443'] : [];

const get = (url: string, headers: Readonly<Record<string, string>> = {}) => app.inject({ method: 'GET', url, headers });

describe('the page', () => {
  it('cannot be framed, and loads and runs only its own files', async () => {
    addPageRoutes(app, folder, framersOf, null);
    const { headers, body } = await get('/connect');
    expect(body).toBe('<!doctype html><title>page</title>');
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("require-trusted-types-for 'script'; trusted-types lit-html");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
  });

  it('can be framed under the address of a session, by the origins of its tenant only', async () => {
    addPageRoutes(app, folder, framersOf, null);
    const framed = await get('/connect/ses_framed');
    expect(framed.headers['content-security-policy']).toContain(
      '; frame-ancestors https://app.example.com https://shop.example.com:8443; ',
    );
    const [page, nobody] = await Promise.all([get('/connect'), get('/connect/ses_none')]);
    expect(framed.body).toBe(page.body);
    expect([nobody.body, nobody.headers['content-security-policy']]).toEqual([page.body, page.headers['content-security-policy']]);
    const again = await get('/connect/ses_framed', { 'if-none-match': String(framed.headers.etag) });
    expect(again.statusCode).toBe(304);
    expect(again.headers['content-security-policy']).toBe(framed.headers['content-security-policy']);
  });

  it('is visible to the page that opened it, and says which origins it may tell the result', async () => {
    addPageRoutes(app, folder, framersOf, null);
    for (const url of ['/connect', '/connect/ses_framed']) {
      const { headers } = await get(url);
      expect(headers['cross-origin-opener-policy'], url).toBe('unsafe-none');
      const known = await get(url, { 'if-none-match': String(headers.etag) });
      expect([known.statusCode, known.headers['cross-origin-opener-policy']]).toEqual([304, 'unsafe-none']);
    }
    const told = await get('/connect/ses_framed/origins');
    expect(told.json()).toEqual({ origins: ['https://app.example.com', 'https://shop.example.com:8443'] });
    expect(told.headers).toMatchObject({ 'cache-control': 'no-store', 'access-control-allow-origin': '*' });
    expect((await get('/connect/ses_none/origins')).json()).toEqual({ origins: [] });
    expect((await get('/connect/none/origins')).statusCode).toBe(404);
  });

  it('has files that a frame without an origin can load as well', async () => {
    addPageRoutes(app, folder, framersOf, null);
    const { headers } = await get('/connect/assets/connect.css', { origin: 'null' });
    expect(headers).toMatchObject({ 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin' });
  });

  it.each([
    [null, 0, 'connect/assets/a.js'],
    [null, 1, '../connect/assets/a.js'],
    ['', 0, '/connect/assets/a.js'],
    ['', 1, '/connect/assets/a.js'],
    ['/qr/cast', 9, '/qr/cast/connect/assets/a.js'],
    ['/a&copy$&', 0, '/a&amp;copy$&amp;/connect/assets/a.js'],
  ])('below %j names its files so that it works %i folders deep', async (prefix, depth, src) => {
    await writeFile(join(folder, 'connect.html'), '<script src="/connect/assets/a.js"></script>');
    const send = addPageRoutes(app, folder, framersOf, prefix);
    const path = `/${'x/'.repeat(depth)}page`;
    app.get(path, async (request, reply) => send(request, reply, null));
    expect((await get(path)).body).toBe(`<script src="${src}"></script>`);
  });

  it('is not served at any other address', async () => {
    addPageRoutes(app, folder, framersOf, null);
    for (const url of ['/connect/', '/connect/assets', '/connect/connect.html', '/connect/ses_', '/connect/ses_framed/more']) {
      expect((await get(url)).statusCode, url).toBe(404);
    }
  });

  it('is revalidated each time, like its files, and is answered 304', async () => {
    addPageRoutes(app, folder, framersOf, null);
    for (const url of ['/connect', '/connect/assets/connect.css']) {
      const { headers } = await get(url);
      expect(headers['cache-control']).toBe('no-cache');
      const again = await get(url, { 'if-none-match': String(headers.etag) });
      expect([again.statusCode, again.body]).toEqual([304, '']);
    }
  });

  it('serves no file of an unknown type, and nothing outside its folder', async () => {
    addPageRoutes(app, folder, framersOf, null);
    for (const name of ['notes.txt', '..%2Fconnect.html', '%2e%2e/element.js']) {
      expect((await get(`/connect/assets/${name}`)).statusCode, name).toBe(404);
    }
  });

  it.each(['connect.html', 'element.js', 'client.js'])('that is not built stops the gateway and says what to do: %s', async (name) => {
    await rm(join(folder, name));
    expect(() => addPageRoutes(app, folder, framersOf, null)).toThrow(new RegExp(`${name} is missing .* run .npx -y pnpm@12 build`));
  });
});

describe.each(['element.js', 'client.js'])('%s', (name) => {
  it('may be loaded by every page, and is kept for a short time', async () => {
    addPageRoutes(app, folder, framersOf, null);
    const { headers, body } = await get(`/${name}`);
    expect(body).toBe(SCRIPT);
    expect(headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=300',
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
      vary: 'accept-encoding',
    });
  });

  it('has an ETag of its content', async () => {
    addPageRoutes(app, folder, framersOf, null);
    const etag = String((await get(`/${name}`)).headers.etag);
    for (const known of [etag, `"other", ${etag}`, etag.slice(2), '*']) {
      expect((await get(`/${name}`, { 'if-none-match': known })).statusCode, known).toBe(304);
    }
    await writeFile(join(folder, name), 'export {};');
    const next = fastify();
    addPageRoutes(next, folder, framersOf, null);
    const answer = await next.inject({ url: `/${name}`, headers: { 'if-none-match': etag } });
    expect([answer.statusCode, answer.body]).toEqual([200, 'export {};']);
    await next.close();
  });

  it.each([
    ['gzip, deflate, br', 'gzip'],
    ['br;q=1.0, gzip;q=0.8', 'gzip'],
    ['gzip;q=0', undefined],
    ['identity', undefined],
  ])('is sent in the coding that the client accepts: %s', async (accepted, encoding) => {
    addPageRoutes(app, folder, framersOf, null);
    const { headers, rawPayload } = await get(`/${name}`, { 'accept-encoding': accepted });
    expect(headers['content-encoding']).toBe(encoding);
    if (encoding === undefined) expect(rawPayload.toString()).toBe(SCRIPT);
    else expect(rawPayload.length).toBeLessThan(SCRIPT.length / 3);
  });
});
