/**
 * For tests: holds what the gateway really takes and answers against the OpenAPI document. What the document does not say is a fault: a
 * status, an error code, a content type, a header, a field. `call` of test/gateway.ts asks here after every answer.
 */

import {
  type OpenApiDocument,
  type OpenApiOperation,
  type OpenApiParameter,
  type OpenApiResponse,
  openApiDocument,
} from '@qrcast/core/contract/openapi';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

export interface Exchange {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly requestBody: unknown;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface ContractCheck {
  /** What the document says may be answered, each as `operation status` or `operation status code`. */
  readonly promises: readonly string[];
  /** @throws {Error} naming what the document does not say. */
  check(exchange: Exchange): void;
}

type Schema = Readonly<Record<string, unknown>>;

/** What pages load beside themselves: no calls, and no part of the contract. */
const FILES = /^\/(connect\/assets\/.*|docs\.css)$/;
/** The router gives up on longer ones before it looks for a route. */
const MAX_SEGMENT_CHARS = 256;

export function createContractCheck(
  document: OpenApiDocument = openApiDocument({ serverUrl: 'http://127.0.0.1', version: '0' }),
): ContractCheck {
  const ajv = new Ajv2020({ strict: false, allErrors: true, formats: { uri: (text: string) => URL.canParse(text) } });
  ajv.addSchema({ components: closed(document.components) }, 'contract');
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, operation, pattern: patternOf(path) })),
  );
  const known = new Set(operations.flatMap(({ operation }) => headersOf(operation)));

  const validators = new Map<Schema, ValidateFunction>();

  function validatorOf(schema: Schema): ValidateFunction {
    const validate = validators.get(schema) ?? ajv.compile(closed(aimed(schema)) as Schema);
    validators.set(schema, validate);
    return validate;
  }

  function faultsOf(schema: Schema, value: unknown, where: string): string[] {
    const validate = validatorOf(schema);
    if (validate(value)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${where}${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  }

  function headersOf({ responses }: OpenApiOperation): string[] {
    return Object.values(responses).flatMap((response) => Object.keys(resolve(response).headers ?? {}));
  }

  function resolve(response: OpenApiResponse | { readonly $ref: string }): OpenApiResponse {
    if (!('$ref' in response)) return response;
    const shared = document.components.responses[response.$ref.split('/').at(-1) ?? ''];
    if (shared === undefined) throw new Error(`the document has no ${response.$ref}`);
    return shared;
  }

  /** Of an answer with this status. */
  function answerFaults(operation: OpenApiOperation, { status, headers, text }: Exchange): string[] {
    const documented = operation.responses[status];
    if (documented === undefined) return [`status ${status} is not documented`];
    const { content = {}, headers: named = {} } = resolve(documented);
    const [type = ''] = (headers.get('content-type') ?? '').split(';');
    const body = content[type];
    const faults = [...known].flatMap((name) => {
      const value = headers.get(name);
      const header = named[name];
      if (header === undefined) return value === null ? [] : [`the header ${name} is not documented`];
      return value === null ? [`the header ${name} is missing`] : faultsOf(header.schema, value, `the header ${name}`);
    });
    if (Object.keys(content).length === 0) return text === '' ? faults : [...faults, 'a body is not documented'];
    if (body === undefined) return [...faults, `the content type ${type} is not documented`];
    return type.endsWith('json') ? [...faults, ...faultsOf(body.schema, JSON.parse(text), 'the body')] : faults;
  }

  /** Of a request that was taken: the document must allow it. */
  function requestFaults({ parameters = [], requestBody }: OpenApiOperation, { path, requestBody: sent }: Exchange): string[] {
    const query = new URL(path, 'http://127.0.0.1').searchParams;
    const asked = [...query].flatMap(([name, text]) => {
      const parameter = parameters.find((one) => one.in === 'query' && one.name === name);
      return parameter === undefined ? [`the query parameter ${name} is not documented`] : parameterFaults(parameter, text);
    });
    const body = requestBody?.content['application/json'];
    if (sent === undefined) return requestBody?.required === true ? [...asked, 'the body may be left out'] : asked;
    return body === undefined ? asked : [...asked, ...faultsOf(body.schema, sent, 'the request')];
  }

  function parameterFaults({ name, schema }: OpenApiParameter, text: string): string[] {
    const { type } = schema;
    const value = type === 'array' ? text.split(',') : type === 'string' || type === undefined ? text : JSON.parse(text);
    return faultsOf(schema, value, `the query parameter ${name}`);
  }

  return {
    promises: operations.flatMap(({ operation }) =>
      Object.entries(operation.responses).flatMap(([status, response]) => {
        const codes = codesOf(resolve(response));
        const promise = `${operation.operationId} ${status}`;
        return codes.length === 0 ? [promise] : codes.map((code) => `${promise} ${code}`);
      }),
    ),

    check(exchange) {
      const { method, path, status } = exchange;
      const pathname = path.split('?', 1)[0] ?? '';
      if (FILES.test(pathname) || method === 'OPTIONS' || method === 'HEAD') return;
      const found = operations.find((one) => one.method === method.toLowerCase() && one.pattern.test(pathname));
      const faults =
        found === undefined || !isRoutable(pathname)
          ? nowhereFaults(exchange)
          : [...answerFaults(found.operation, exchange), ...(status < 300 ? requestFaults(found.operation, exchange) : [])];
      if (faults.length > 0) throw new Error(`${method} ${pathname} broke the contract: ${faults.join('; ')}`);
    },
  };

  /** Where there is no route: only that. */
  function nowhereFaults({ status, headers, text }: Exchange): string[] {
    const response = document.components.responses[status === 400 ? 'InvalidRequest' : 'NotFound'];
    const schema = response?.content?.['application/problem+json']?.schema;
    if (schema === undefined || headers.get('content-type')?.startsWith('application/problem+json') !== true)
      return [`${status} where there is no such operation`];
    return faultsOf(schema, JSON.parse(text), 'the body');
  }
}

function codesOf({ content = {} }: OpenApiResponse): readonly string[] {
  return Object.keys(content['application/problem+json']?.examples ?? {});
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll('.', String.raw`\.`).replace(/\{\w+\}/g, '[^/]+')}$`);
}

function isRoutable(pathname: string): boolean {
  try {
    return decodeURIComponent(pathname)
      .split('/')
      .every((segment) => segment.length <= MAX_SEGMENT_CHARS);
  } catch {
    return false; // no URL path: URIError
  }
}

/** The schema for a test: an object has no field that is not documented. In `allOf` the parts share one object. */
export function closed(value: unknown, isPart = false): unknown {
  if (Array.isArray(value)) return value.map((one) => closed(one, isPart));
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, closed(inner, key === 'allOf')]));
  const isOpen = 'properties' in copy && Object.keys(copy['properties'] as object).length > 0 && !('additionalProperties' in copy);
  return isOpen && !isPart && copy['type'] === 'object' ? { ...copy, additionalProperties: false } : copy;
}

/** With its pointers aimed at the document, which stands beside it. */
function aimed(schema: Schema): Schema {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"contract#/components/')) as Schema;
}
