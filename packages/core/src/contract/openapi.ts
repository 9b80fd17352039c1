/**
 * The OpenAPI 3.1 document of the gateway, made from the schemas that parse its requests. Pure: the
 * same options give the same document.
 */

import { ERRORS, type ErrorCode, problemSchema, RefusedError, toProblem } from '../errors.ts';
import { EXAMPLE_DETAILS } from './examples.ts';
import { ANSWER_HEADERS, type Answer, CREDENTIALS, type Operation, PATH_PARAMETERS, REQUEST_HEADERS, TAGS } from './http.ts';
import { AUDIT_OPERATIONS } from './http-audit.ts';
import { CALLBACK_OPERATIONS, WEBHOOK_HEADERS, WEBHOOKS } from './http-callbacks.ts';
import { OVERVIEW_OPERATIONS } from './http-overview.ts';
import { PAGE_OPERATIONS } from './http-pages.ts';
import { SESSION_OPERATIONS } from './http-sessions.ts';
import { STATISTICS_OPERATIONS } from './http-statistics.ts';
import { TENANT_OPERATIONS } from './http-tenants.ts';
import { TIMELINE_OPERATIONS } from './http-timeline.ts';
import { WEBHOOK_OPERATIONS } from './http-webhook.ts';
import { createSchemaComponents, type JsonSchema, type SchemaComponents } from './json-schema.ts';
import { ERROR_WORDS } from './words.ts';

export interface DocumentOptions {
  /** Where clients reach the gateway, without a trailing slash. */
  readonly serverUrl: string;
  /** The version of the software. */
  readonly version: string;
}

export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string; readonly license: JsonSchema };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  /** The requests that the gateway sends to a tenant's servers. */
  readonly webhooks: Readonly<Record<string, { readonly post: OpenApiWebhook }>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly responses: Readonly<Record<string, OpenApiResponse>>;
    readonly securitySchemes: Readonly<Record<string, { readonly type: string; readonly scheme: string; readonly description: string }>>;
  };
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  /** Any one of these is enough. A ticket's list contains the scope that it needs. */
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly OpenApiParameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: OpenApiContent };
  readonly responses: Readonly<Record<string, OpenApiResponse | { readonly $ref: string }>>;
}

export type OpenApiWebhook = Pick<
  OpenApiOperation,
  'operationId' | 'tags' | 'summary' | 'description' | 'parameters' | 'requestBody' | 'responses'
>;

export interface OpenApiParameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description: string;
  readonly schema: JsonSchema;
  readonly example?: unknown;
}

export interface OpenApiHeader {
  readonly description: string;
  readonly required: true;
  readonly schema: JsonSchema;
  readonly example: string;
}

export interface OpenApiResponse {
  readonly description: string;
  readonly headers?: Readonly<Record<string, OpenApiHeader>>;
  readonly content?: OpenApiContent;
}

export type OpenApiContent = Readonly<
  Record<
    string,
    { readonly schema: JsonSchema; readonly example?: unknown; readonly examples?: Readonly<Record<string, { readonly value: unknown }>> }
  >
>;

const OPERATIONS: readonly Operation[] = [
  ...SESSION_OPERATIONS,
  ...TIMELINE_OPERATIONS,
  ...OVERVIEW_OPERATIONS,
  ...WEBHOOK_OPERATIONS,
  ...CALLBACK_OPERATIONS,
  ...AUDIT_OPERATIONS,
  ...STATISTICS_OPERATIONS,
  ...TENANT_OPERATIONS,
  ...PAGE_OPERATIONS,
];

const DESCRIPTION = `Pushes live QR codes for messenger logins. The gateway polls each code once at the provider and shows it to every viewer within milliseconds.

Times are integers in Unix milliseconds, and their names end in \`At\`. Ids are opaque. The gateway refuses unknown fields in a request. Ignore unknown fields in an answer and unknown events, because some may be added within v1.

The gateway accepts no secret in a URL. Send it in the \`Authorization\` header, a body, or a stream's handshake. Pages of other origins may use a ticket (CORS). An API key belongs on a server.

A refusal is \`application/problem+json\`. Let your program decide by its \`code\`, and show or log its \`detail\`. Repeat a call only if the refusal is \`retryable\`, and wait \`retryAfterMs\` first.`;

export function openApiDocument({ serverUrl, version }: DocumentOptions): OpenApiDocument {
  const components = createSchemaComponents('draft-2020-12');
  const refusals = new Map<string, OpenApiResponse>();
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const operation of OPERATIONS) {
    const path = paths[operation.path] ?? {};
    paths[operation.path] = { ...path, [operation.method]: describe(operation, components, refusals) };
  }
  const webhooks = webhooksOf(components);
  return {
    openapi: '3.1.0',
    info: { title: 'qrcast', version, description: DESCRIPTION, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: serverUrl }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    webhooks,
    components: {
      schemas: components.all(),
      responses: Object.fromEntries(refusals),
      securitySchemes: Object.fromEntries(
        Object.entries(CREDENTIALS).map(([name, description]) => [name, { type: 'http', scheme: 'bearer', description }]),
      ),
    },
  };
}

function webhooksOf(components: SchemaComponents): OpenApiDocument['webhooks'] {
  return Object.fromEntries(
    WEBHOOKS.map(({ name, summary, description, schema, example }) => [
      name,
      {
        post: {
          operationId: name,
          tags: ['Callbacks'],
          summary,
          description,
          parameters: Object.entries(WEBHOOK_HEADERS).map(([header, words]) => ({
            name: header,
            in: 'header' as const,
            required: true,
            description: words.description,
            schema: { type: 'string' },
            example: words.example,
          })),
          requestBody: { required: true, content: { 'application/json': { schema: components.answer(schema), example } } },
          responses: {
            '2XX': { description: 'You received the message' },
            '410': { description: 'You do not want the message. It is not sent again' },
            default: { description: 'The message is sent again later' },
          },
        },
      },
    ]),
  );
}

function describe(operation: Operation, components: SchemaComponents, refusals: Map<string, OpenApiResponse>): OpenApiOperation {
  const { id, tag, summary, description, credentials, body, answers, errors } = operation;
  const parameters = parametersOf(operation, components);
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    security: credentials.map(({ kind, scope }) => ({ [kind]: scope === undefined ? [] : [scope] })),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: body.isRequired,
            content: { 'application/json': { schema: components.request(body.schema), example: body.example } },
          },
        }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, responseOf(answer, components)])),
      // Every call that needs a credential refuses a secret in its URL.
      ...refusalsOf(credentials.length === 0 ? errors : ['invalid_request', ...errors], components, refusals),
    },
  };
}

function parametersOf({ pathParameters = [], query, requestHeaders = [] }: Operation, components: SchemaComponents): OpenApiParameter[] {
  const asked = query === undefined ? {} : (components.answer(query)['properties'] as Readonly<Record<string, JsonSchema>>); // of an object
  return [
    ...pathParameters.map((key) => {
      const { name, description, example } = PATH_PARAMETERS[key];
      return { name, in: 'path' as const, required: true, description, schema: { type: 'string' }, example };
    }),
    ...Object.entries(asked).map(([name, { description, ...schema }]) => ({
      name,
      in: 'query' as const,
      required: false,
      description: String(description),
      schema,
      ...(schema['type'] === 'array' ? { style: 'form', explode: false } : {}), // a comma list
    })),
    ...requestHeaders.map((name) => {
      const { description, example } = REQUEST_HEADERS[name];
      return { name, in: 'header' as const, required: false, description, schema: { type: 'string' }, example };
    }),
  ];
}

function responseOf(
  { description, type = 'application/json', schema, example, headers = [] }: Answer,
  components: SchemaComponents,
): OpenApiResponse {
  const hasBody = schema !== undefined || type !== 'application/json';
  const body = {
    schema: schema === undefined ? { type: 'string' } : components.answer(schema),
    ...(example === undefined ? {} : { example }),
  };
  return {
    description,
    ...(headers.length === 0 ? {} : { headers: headersOf(headers) }),
    ...(hasBody ? { content: { [type]: body } } : {}),
  };
}

function headersOf(names: readonly (keyof typeof ANSWER_HEADERS)[]): NonNullable<OpenApiResponse['headers']> {
  return Object.fromEntries(
    names.map((name) => {
      const { description, pattern, example } = ANSWER_HEADERS[name];
      return [name, { description, required: true as const, schema: { type: 'string', pattern }, example }];
    }),
  );
}

/**
 * One response for each status, which lists the error codes that this operation can answer with it.
 * Operations with the same codes share one response.
 */
function refusalsOf(
  codes: readonly ErrorCode[],
  components: SchemaComponents,
  refusals: Map<string, OpenApiResponse>,
): Record<string, { $ref: string }> {
  const inOrder = (Object.keys(ERRORS) as ErrorCode[]).filter((code) => codes.includes(code)); // its own keys
  const byStatus = Map.groupBy(inOrder, (code) => ERRORS[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, together]) => {
      const name = together.map(pascalCase).join('Or');
      if (!refusals.has(name)) refusals.set(name, refusalOf(status, together, components));
      return [String(status), { $ref: `#/components/responses/${name}` }];
    }),
  );
}

function refusalOf(status: number, codes: readonly ErrorCode[], components: SchemaComponents): OpenApiResponse {
  const headers = status === 401 ? (['WWW-Authenticate'] as const) : status === 429 || status === 503 ? (['Retry-After'] as const) : [];
  return {
    description: codes.map((code) => `\`${code}\`: ${ERROR_WORDS[code]}`).join('\n\n'),
    ...(headers.length === 0 ? {} : { headers: headersOf(headers) }),
    content: {
      'application/problem+json': {
        schema: {
          allOf: [
            components.answer(problemSchema),
            { type: 'object', properties: { status: { const: status }, code: { enum: codes } }, required: ['status', 'code'] },
          ],
        },
        examples: Object.fromEntries(codes.map((code) => [code, { value: exampleOf(code) }])),
      },
    },
  };
}

function exampleOf(code: ErrorCode): unknown {
  const { status } = ERRORS[code];
  return toProblem(new RefusedError(code, EXAMPLE_DETAILS[code], status === 429 || status === 503 ? { retryAfterMs: 1_000 } : {}));
}

const pascalCase = (word: string): string => word.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
