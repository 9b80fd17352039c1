import { asyncApiDocument } from '@qrcast/core/asyncapi';
import { openApiDocument } from '@qrcast/core/openapi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import software from '../package.json' with { type: 'json' };
import { type Answer, openTestGateway, type TestGateway } from './test-gateway.ts';

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway({ publicUrl: 'https://qrcast.example.com' });
});
afterAll(() => test.close());

const get = (path: string, headers: Record<string, string> = {}): Promise<Answer> => test.call('GET', path, { secret: null, headers });

describe('the contract of the running gateway', () => {
  it('is the one of its own address and version, for everybody and every page', async () => {
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

  it('is not sent again to who has it', async () => {
    for (const path of ['/openapi.json', '/asyncapi.json', '/docs']) {
      const { headers } = await get(path);
      const again = await get(path, { 'if-none-match': headers.get('etag') ?? '' });
      expect([again.status, again.text]).toEqual([304, '']);
      expect((await get(path, { 'if-none-match': '"other"' })).status).toBe(200);
    }
  });

  it('is a page that loads one style and runs nothing', async () => {
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
