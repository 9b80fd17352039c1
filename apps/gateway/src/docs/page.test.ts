import { CLOSE_CODES } from '@qrcast/core/close-codes';
import { asyncApiDocument } from '@qrcast/core/contract/asyncapi';
import { type OpenApiResponse, openApiDocument } from '@qrcast/core/contract/openapi';
import { ERRORS } from '@qrcast/core/errors';
import { describe, expect, it } from 'vitest';
import { html, inline } from '../http/html.ts';
import { json } from './code.ts';
import { docsPage } from './page.ts';

const OPTIONS = { serverUrl: 'https://qrcast.example.com', version: '1.2.3' };
const openApi = openApiDocument(OPTIONS);
const asyncApi = asyncApiDocument(OPTIONS);
const page = docsPage({ openApi, asyncApi, styleUrl: 'docs.css?v=1' });

const attributes = (name: string): string[] => [...page.matchAll(new RegExp(` ${name}="([^"]*)"`, 'g'))].map(([, value = '']) => value);
const ids = attributes('id');
const allCalls = Object.values(openApi.paths).flatMap((methods) => Object.values(methods));
const allMessages = Object.values(openApi.webhooks).map(({ post }) => post);

function sectionOf(id: string, tag: 'article' | 'section'): string {
  const start = page.indexOf(`<${tag} ${tag === 'article' ? 'class="call" ' : ''}id="${id}"`);
  return start === -1 ? '' : page.slice(start, page.indexOf(`</${tag}>`, start));
}

function responseOf(response: OpenApiResponse | { readonly $ref: string }): OpenApiResponse | undefined {
  return '$ref' in response ? openApi.components.responses[response.$ref.split('/').at(-1) ?? ''] : response;
}

/** The answers of a call as the page shows them, by status. */
function answersOf(id: string): Readonly<Record<string, string>> {
  const [, list = ''] = /<dl class="answers">(.*?)<\/dl>/s.exec(sectionOf(id, 'article')) ?? [];
  return Object.fromEntries(
    [...list.matchAll(/<dt>.*?>(\w+)<\/span><\/dt><dd>(.*?)<\/dd>/gs)].map(([, status = '', text = '']) => [status, text]),
  );
}

describe('the docs page', () => {
  it('has an anchor for every call, message, object, error and close code', () => {
    expect(new Set(ids).size).toBe(ids.length);
    const calls = allCalls.map(({ operationId }) => operationId);
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

  it('shows each message to your server among the calls of its tag', () => {
    expect(allMessages.map(({ operationId }) => operationId)).toContain('relay');
    const [, inContents = ''] = /<nav[^>]*>(.*?)<\/nav>/s.exec(page) ?? [];
    for (const { operationId, tags, summary } of allMessages) {
      expect(inContents).toContain(`<a href="#${operationId}">`);
      expect(sectionOf(`tag-${tags[0]}`, 'section')).toContain(`<article class="call" id="${operationId}">`);
      expect(sectionOf(operationId, 'article')).toContain(`>${summary}</a></h3>`);
    }
  });

  it('shows what a message to your server brings', () => {
    for (const { operationId, parameters = [], requestBody } of allMessages) {
      const article = sectionOf(operationId, 'article');
      expect(parameters.map(({ name }) => name)).toContain('webhook-signature');
      for (const { name, example } of parameters) {
        expect(article).toContain(`<dt><code>${name}</code>`);
        expect(article).toContain(`<span class="key">${name}</span>: ${String(example)}\n`);
      }
      const example = requestBody?.content['application/json']?.example;
      expect(article).toContain(`\n\n${json(example).html}</code>`);
      expect(article).toContain('<dt><code>data</code>');
    }
  });

  it('says what each answer of your server means, the good one first', () => {
    for (const { operationId, responses } of allMessages) {
      const shown = answersOf(operationId);
      expect(Object.values(shown)).toHaveLength(Object.keys(responses).length);
      expect([...sectionOf(operationId, 'article').matchAll(/class="status s(\w)">(\w+)</g)].map(([, , status]) => status)).toEqual([
        '2XX',
        '410',
        'other',
      ]);
      expect(shown['410']).toContain('not sent again');
    }
  });

  it('names the headers of every answer, refusals included', () => {
    const named = allCalls.flatMap(({ operationId, responses }) =>
      Object.entries(responses).flatMap(([status, response]) => {
        const shown = [...(answersOf(operationId)[status] ?? '').matchAll(/href="#header-([\w-]+)"/g)].map(([, name = '']) => name);
        expect(shown, `${operationId} ${status}`).toEqual(Object.keys(responseOf(response)?.headers ?? {}));
        return shown;
      }),
    );
    expect(new Set(named).size).toBeGreaterThan(4);
    expect(answersOf('createSession')['429']).toContain('#header-Retry-After');
    expect(answersOf('readSession')['304']).toContain('#header-ETag');
  });

  it('describes each header of an answer, with an example', () => {
    const list = sectionOf('headers', 'section');
    const headers = allCalls.flatMap(({ responses }) =>
      Object.values(responses).flatMap((response) => Object.entries(responseOf(response)?.headers ?? {})),
    );
    expect(headers.length).toBeGreaterThan(50);
    for (const [name, { description, example }] of headers) {
      const [, words = ''] = new RegExp(`<div id="header-${name}">(.*?)</div>`, 's').exec(list) ?? [];
      expect(words).toContain(inline(description).html);
      expect(words).toContain(html`<code>${example}</code>`.html);
    }
  });
});
