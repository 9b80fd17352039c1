/** Both documents by themselves: valid, complete, and consistent with their own examples. */

import asyncApiSchema from '@asyncapi/specs/schemas/3.0.0.json' with { type: 'json' };
import { asyncApiDocument } from '@qrcast/core/contract/asyncapi';
import { type OpenApiContent, openApiDocument } from '@qrcast/core/contract/openapi';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';

const OPTIONS = { serverUrl: 'https://qrcast.example.com/gateway', version: '1.2.3' };
const openApi = openApiDocument(OPTIONS);
const asyncApi = asyncApiDocument(OPTIONS);

/** All values of a key in a document, at any depth. */
function allUnder(key: string, value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [...(name === key ? [inner] : []), ...allUnder(key, inner)]);
}

function at(document: unknown, pointer: string): unknown {
  const keys = pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  return keys.reduce((here, key) => (here as Readonly<Record<string, unknown>> | undefined)?.[key], document);
}

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1, unlike a copy with a wrong member', async () => {
    const valid = async (document: object): Promise<boolean> => (await new Validator().validate(structuredClone(document) as never)).valid;
    expect(await valid(openApi)).toBe(true);
    expect(await valid({ ...openApi, paths: { '/v1/sessions': { fetch: {} } } })).toBe(false);
    expect(await valid({ ...openApi, components: { securitySchemes: { apiKey: { type: 'bearer' } } } })).toBe(false);
  });

  it('names the server, and each operation once', () => {
    expect(openApi.servers).toEqual([{ url: OPTIONS.serverUrl }]);
    const ids = allUnder('operationId', openApi.paths);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has a fitting example of everything that is sent or answered as JSON', () => {
    const ajv = new Ajv2020({ strict: false, formats: { uri: (text: string) => URL.canParse(text) } });
    ajv.addSchema(openApi, 'openapi');
    const { paths, webhooks, components } = openApi;
    const contents = [paths, webhooks, components].flatMap((part) => allUnder('content', part)) as OpenApiContent[];
    const bodies = contents.flatMap((content) => Object.entries(content).filter(([type]) => type.endsWith('json')));
    let count = 0;
    for (const [, { schema, example, examples = {} }] of bodies) {
      const validate = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"openapi#/')) as object);
      for (const one of [...(example === undefined ? [] : [example]), ...Object.values(examples).map(({ value }) => value)]) {
        count++;
        expect(validate(one), `${JSON.stringify(one)}: ${ajv.errorsText(validate.errors)}`).toBe(true);
      }
    }
    expect(count).toBeGreaterThan(30);
  });

  it('mentions `self` only if a ticket may be used', () => {
    for (const { security, parameters = [] } of Object.values(openApi.paths).flatMap((methods) => Object.values(methods))) {
      const forTicket = security.some((one) => 'ticket' in one);
      for (const { in: location, name, example } of parameters) {
        if (location === 'path' && name === 'id') expect(example === 'self').toBe(forTicket);
      }
    }
  });

  it('shows a credential in every call that needs one, and no real secret', () => {
    const schemes = Object.keys(openApi.components.securitySchemes);
    for (const security of allUnder('security', openApi.paths) as object[][]) {
      for (const one of security) expect(schemes).toEqual(expect.arrayContaining(Object.keys(one)));
    }
    expect(JSON.stringify(openApi)).not.toMatch(/qk_\w{20}|wt_\w{20}|whsec_\w{20}|eyJ\w+\.eyJ/);
  });
});

describe('the AsyncAPI document', () => {
  // The schema includes its own draft-07.
  const ajv = new Ajv({ strict: false, meta: false, validateSchema: false, validateFormats: false });
  const validate = ajv.compile(asyncApiSchema);

  it('is valid AsyncAPI 3.0, unlike a copy with a wrong member', () => {
    expect(validate(structuredClone(asyncApi)), ajv.errorsText(validate.errors)).toBe(true);
    expect(validate({ ...asyncApi, operations: { one: { action: 'push', channel: { $ref: '#/channels/sse' } } } })).toBe(false);
    expect(validate({ ...asyncApi, servers: { ws: { protocol: 'wss' } } })).toBe(false);
  });

  it('derives the servers from the public URL', () => {
    expect(asyncApi.servers).toEqual({
      ws: { host: 'qrcast.example.com', pathname: '/gateway', protocol: 'wss' },
      http: { host: 'qrcast.example.com', pathname: '/gateway', protocol: 'https' },
    });
    const plain = asyncApiDocument({ ...OPTIONS, serverUrl: 'http://127.0.0.1:3000' });
    expect(plain.servers.ws).toEqual({ host: '127.0.0.1:3000', protocol: 'ws' });
  });

  it('has an example for each message, and each one fits', () => {
    const payloads = new Ajv({ strict: false });
    payloads.addSchema(JSON.parse(JSON.stringify(asyncApi)) as object, 'asyncapi');
    for (const [id, { messages }] of Object.entries(asyncApi.channels)) {
      for (const [key, { examples }] of Object.entries(messages)) {
        const fits = payloads.compile({ $ref: `asyncapi#/channels/${id}/messages/${key}/payload` });
        expect(examples.length).toBe(1);
        for (const { payload } of examples) expect(fits(payload), `${id} ${key}: ${payloads.errorsText(fits.errors)}`).toBe(true);
      }
    }
  });
});

describe.each([
  ['OpenAPI', openApi],
  ['AsyncAPI', asyncApi],
])('the %s document', (_name, document) => {
  it('refers only to what exists', () => {
    const pointers = allUnder('$ref', document);
    expect(pointers.length).toBeGreaterThan(20);
    for (const pointer of pointers) expect(at(document, String(pointer)), String(pointer)).toBeDefined();
  });
});
