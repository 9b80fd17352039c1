/**
 * For tests: compares what the gateway really accepts and answers with the OpenAPI document.
 * Anything that the document does not mention is a fault: a status, an error code, a content type,
 * a header, a field. `call` of test/gateway.ts checks every answer here.
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
  /** With the query. */
  readonly path: string;
  readonly requestBody: unknown;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface ContractCheck {
  /** The answers in the document, each as `operation status` or `operation status code`. */
  readonly promises: readonly string[];
  /** @throws {Error} that names what the document does not mention. */
  check(exchange: Exchange): void;
}

type Schema = Readonly<Record<string, unknown>>;

/** Files that pages load. They are no calls, and no part of the contract. */
const FILES = /^\/((connect|console)\/assets\/.*|docs\.css)$/;
/** The router rejects longer segments before it looks for a route. */
const MAX_SEGMENT_CHARS = 256;

/** What of `value` the schema does not allow, each fault with `where` before it. */
type FaultsOf = (schema: Schema, value: unknown, where: string) => string[];

export function createContractCheck(
  document: OpenApiDocument = openApiDocument({ serverUrl: 'http://127.0.0.1', version: '0' }),
): ContractCheck {
  const faultsOf = createFaultFinder(document);
  const operations = operationsOf(document);
  const answerFaults = createAnswerCheck(document, faultsOf);
  return {
    promises: operations.flatMap(({ operation }) =>
      Object.entries(operation.responses).flatMap(([status, response]) => {
        const codes = codesOf(resolve(document, response));
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
          ? nowhereFaults(document, faultsOf, exchange)
          : [...answerFaults(found.operation, exchange), ...(status < 300 ? requestFaults(found.operation, exchange, faultsOf) : [])];
      if (faults.length > 0) throw new Error(`${method} ${pathname} broke the contract: ${faults.join('; ')}`);
    },
  };
}

function operationsOf({ paths }: OpenApiDocument): { method: string; operation: OpenApiOperation; pattern: RegExp }[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, operation, pattern: patternOf(path) })),
  );
}

function createFaultFinder({ components }: OpenApiDocument): FaultsOf {
  const ajv = new Ajv2020({ strict: false, allErrors: true, formats: { uri: (text: string) => URL.canParse(text) } });
  ajv.addSchema({ components: closed(components) }, 'contract');
  const validators = new Map<Schema, ValidateFunction>();
  return (schema, value, where) => {
    const validate = validators.get(schema) ?? ajv.compile(closed(aimed(schema)) as Schema);
    validators.set(schema, validate);
    if (validate(value)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${where}${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  };
}

function resolve({ components }: OpenApiDocument, response: OpenApiResponse | { readonly $ref: string }): OpenApiResponse {
  if (!('$ref' in response)) return response;
  const shared = components.responses[response.$ref.split('/').at(-1) ?? ''];
  if (shared === undefined) throw new Error(`the document has no ${response.$ref}`);
  return shared;
}

/** The check of an answer: its status, headers, content type and body must be documented. */
function createAnswerCheck(document: OpenApiDocument, faultsOf: FaultsOf): (operation: OpenApiOperation, exchange: Exchange) => string[] {
  const responses = operationsOf(document).flatMap(({ operation }) => Object.values(operation.responses));
  const known = new Set(responses.flatMap((response) => Object.keys(resolve(document, response).headers ?? {})));
  return (operation, { status, headers, text }) => {
    const documented = operation.responses[status];
    if (documented === undefined) return [`status ${status} is not documented`];
    const { content = {}, headers: named = {} } = resolve(document, documented);
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
  };
}

/** Faults of a request that was accepted: the document must allow it. */
function requestFaults(
  { parameters = [], requestBody }: OpenApiOperation,
  { path, requestBody: sent }: Exchange,
  faultsOf: FaultsOf,
): string[] {
  const query = new URL(path, 'http://127.0.0.1').searchParams;
  const asked = [...query].flatMap(([name, text]) => {
    const parameter = parameters.find((one) => one.in === 'query' && one.name === name);
    if (parameter === undefined) return [`the query parameter ${name} is not documented`];
    return faultsOf(parameter.schema, parameterValue(parameter, text), `the query parameter ${name}`);
  });
  const body = requestBody?.content['application/json'];
  if (sent === undefined) return requestBody?.required === true ? [...asked, 'the body may be left out'] : asked;
  return body === undefined ? asked : [...asked, ...faultsOf(body.schema, sent, 'the request')];
}

/** What the text of a query parameter means by its type. */
function parameterValue({ schema: { type } }: OpenApiParameter, text: string): unknown {
  return type === 'array' ? text.split(',') : type === 'string' || type === undefined ? text : JSON.parse(text);
}

/** Faults of an answer to a path without a route: it may only say so. */
function nowhereFaults({ components }: OpenApiDocument, faultsOf: FaultsOf, { status, headers, text }: Exchange): string[] {
  const response = components.responses[status === 400 ? 'InvalidRequest' : 'NotFound'];
  const schema = response?.content?.['application/problem+json']?.schema;
  if (schema === undefined || headers.get('content-type')?.startsWith('application/problem+json') !== true)
    return [`${status} where there is no such operation`];
  return faultsOf(schema, JSON.parse(text), 'the body');
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
    return false; // not a URL path: URIError
  }
}

/**
 * A stricter schema for tests: objects may have no undocumented fields. The parts of an `allOf`
 * describe one object together, so they stay open.
 */
export function closed(value: unknown, isPart = false): unknown {
  if (Array.isArray(value)) return value.map((one) => closed(one, isPart));
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, closed(inner, key === 'allOf')]));
  const isOpen = 'properties' in copy && Object.keys(copy['properties'] as object).length > 0 && !('additionalProperties' in copy);
  return isOpen && !isPart && copy['type'] === 'object' ? { ...copy, additionalProperties: false } : copy;
}

/** The schema with its references pointing into the document, which ajv knows as `contract`. */
function aimed(schema: Schema): Schema {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"contract#/components/')) as Schema;
}
