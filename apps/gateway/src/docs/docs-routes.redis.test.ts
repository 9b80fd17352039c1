import { channel } from 'node:diagnostics_channel';
import { asyncApiDocument } from '@qrcast/core/contract/asyncapi';
import { openApiDocument } from '@qrcast/core/contract/openapi';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import software from '../../package.json' with { type: 'json' };
import { type Answer, openTestGateway, type TestGateway } from '../../test/gateway.ts';

let test: TestGateway;
const routes = new Set<string>();
beforeAll(async () => {
  test = await withRoutes(() => openTestGateway({ publicUrl: 'https://qrcast.example.com', hasConsole: true }));
});
afterAll(() => test.close());

/** The routes of every server that is created meanwhile, as Fastify itself reports them. */
async function withRoutes<T>(run: () => Promise<T>): Promise<T> {
  const listen = (message: unknown): void => {
    const { fastify } = message as { fastify: FastifyInstance }; // documented with the channel
    fastify.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) routes.add(`${one} ${url.replace(/:(\w+)/g, '{$1}')}`);
    });
  };
  const initialization = channel('fastify.initialization');
  initialization.subscribe(listen);
  try {
    return await run();
  } finally {
    initialization.unsubscribe(listen);
  }
}

const get = (path: string, headers: Record<string, string> = {}): Promise<Answer> => test.call('GET', path, { secret: null, headers });

describe('the contract of the running gateway', () => {
  it('names its own address and version, and is served to everybody and every page', async () => {
    const options = { serverUrl: 'https://qrcast.example.com', version: software.version };
    for (const [path, document] of [
      ['/openapi.json', openApiDocument(options)],
      ['/asyncapi.json', asyncApiDocument(options)],
    ] as const) {
      const { headers, text } = await get(path);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(document)));
      expect(headers.get('access-control-allow-origin')).toBe('*');
      expect(headers.get('cache-control')).toBe('public, max-age=300');
    }
  });

  it('is not sent again to a client that already has it', async () => {
    for (const path of ['/openapi.json', '/asyncapi.json', '/docs']) {
      const { headers } = await get(path);
      const again = await get(path, { 'if-none-match': headers.get('etag') ?? '' });
      expect([again.status, again.text]).toEqual([304, '']);
      expect((await get(path, { 'if-none-match': '"other"' })).status).toBe(200);
    }
  });

  it('is shown on a page that loads one style and runs nothing', async () => {
    const { headers, text } = await get('/docs');
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    const [, style = ''] = /href="(docs\.css\?v=[\w-]+)"/.exec(text) ?? [];
    const { status, headers: styleHeaders } = await get(`/${style}`);
    expect([status, styleHeaders.get('content-type')]).toEqual([200, 'text/css; charset=utf-8']);
    expect(styleHeaders.get('cache-control')).toContain('immutable');
  });
});

describe('the routes', () => {
  /**
   * What is not a call: the answer to `OPTIONS`, HEAD for each GET, files that our pages load, and
   * the same paths with a slash at the end.
   */
  const isCall = (route: string): boolean => !/^(HEAD|OPTIONS) |^GET \/((connect|console)\/assets\/|docs\.css$)|[^ ]\/$/.test(route);

  it('of the server are those of the document', () => {
    const documented = Object.entries(openApiDocument({ serverUrl: 'http://127.0.0.1', version: '0' }).paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect([...routes].filter(isCall).sort()).toEqual(documented.sort());
  });
});
