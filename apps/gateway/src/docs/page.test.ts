import { CLOSE_CODES } from '@qrcast/core/close-codes';
import { asyncApiDocument } from '@qrcast/core/contract/asyncapi';
import { openApiDocument } from '@qrcast/core/contract/openapi';
import { ERRORS } from '@qrcast/core/errors';
import { describe, expect, it } from 'vitest';
import { docsPage } from './page.ts';

const OPTIONS = { serverUrl: 'https://qrcast.example.com', version: '1.2.3' };
const openApi = openApiDocument(OPTIONS);
const asyncApi = asyncApiDocument(OPTIONS);
const page = docsPage({ openApi, asyncApi, styleUrl: 'docs.css?v=1' });

const attributes = (name: string): string[] => [...page.matchAll(new RegExp(` ${name}="([^"]*)"`, 'g'))].map(([, value = '']) => value);
const ids = attributes('id');

describe('the docs page', () => {
  it('has an anchor for every call, message, object, error and close code', () => {
    expect(new Set(ids).size).toBe(ids.length);
    const calls = Object.values(openApi.paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
    const messages = Object.entries(asyncApi.channels).flatMap(([id, channel]) =>
      Object.keys(channel.messages).map((key) => `${id}-${key}`),
    );
    const objects = [openApi, asyncApi].flatMap(({ components }) => Object.keys(components.schemas).map((name) => `schema-${name}`));
    const errors = Object.keys(ERRORS).map((code) => `error-${code}`);
    const closes = Object.values(CLOSE_CODES).map((number) => `close-${number}`);
    expect(ids).toEqual(expect.arrayContaining([...calls, ...messages, ...objects, ...errors, ...closes]));
  });

  it('links only to its own anchors, both documents and its style', () => {
    const links = attributes('href');
    expect(links.length).toBeGreaterThan(100);
    const inside = links.filter((link) => link.startsWith('#')).map((link) => link.slice(1));
    expect(inside.filter((id) => !ids.includes(id))).toEqual([]);
    expect(new Set(links.filter((link) => !link.startsWith('#')))).toEqual(new Set(['docs.css?v=1', 'openapi.json', 'asyncapi.json']));
  });

  it('contains no script and no inline style', () => {
    expect(page).not.toMatch(/<script|<style|<iframe|<img| style=| on\w+=/);
  });

  it('escapes everything from the documents', () => {
    const evil = `"><script>alert('x')</script>&`;
    const hostile = JSON.parse(
      JSON.stringify(openApi)
        .replaceAll('qrcast.example.com', JSON.stringify(evil).slice(1, -1))
        .replaceAll('Opaque', JSON.stringify(evil).slice(1, -1)),
    ) as typeof openApi;
    const hurt = docsPage({ openApi: hostile, asyncApi, styleUrl: 'docs.css' });
    expect(hurt).not.toContain('<script');
    expect(hurt).toContain('&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;');
  });

  it('shows each call as a line for a shell, its secret as a variable', () => {
    expect(page).toContain('curl -X POST https://qrcast.example.com/v1/sessions \\\n  -H &quot;Authorization: Bearer $API_KEY&quot;');
    expect(page).toContain('curl https://qrcast.example.com/v1/sessions/self \\\n  -H &quot;Authorization: Bearer $TICKET&quot;');
    expect(page).toContain('curl https://qrcast.example.com/healthz<');
  });
});
