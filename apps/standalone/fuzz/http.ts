/**
 * The edge of HTTP: real calls of every kind, changed as callers, proxies and attackers change
 * them, and then damaged as bytes.
 */

import fc from 'fast-check';
import { type Damage, damaged, damages } from './bytes.ts';
import { exchangeRaw } from './raw-exchange.ts';
import type { Edge } from './run-edge.ts';
import type { Stage } from './stage.ts';
import { changedJson, hostileText, type JsonChange, jsonChange, render, type Text } from './values.ts';

/** Whose secret is sent. `planted` belongs to nobody. */
type Secret = 'key' | 'ticket' | 'admin' | 'webhook' | 'planted' | 'none';

interface Call {
  readonly method: string;
  /** `:id` stands for the session, and `:tenant` for the tenant. */
  readonly path: string;
  readonly secret: Secret;
  readonly body?: object;
}

const NEW_SESSION = {
  instanceId: '1101999999',
  apiToken: ':planted',
  reference: 'order-77',
  locale: 'ru',
  returnUrl: 'https://a.example/',
};
const TENANT_FIELDS = { name: 'Acme', allowedOrigins: ['https://a.example'], limits: { sessions: 10 }, checkConnectedEvery: 60 };

const CALLS: readonly Call[] = [
  { method: 'GET', path: '/v1/sessions/self', secret: 'ticket' },
  { method: 'GET', path: '/v1/sessions/:id?formats=text,image&visible=false', secret: 'key' },
  { method: 'GET', path: '/v1/sessions?limit=20&state=idle&reference=order-77', secret: 'key' },
  { method: 'GET', path: '/v1/sessions/self?wait=5', secret: 'ticket' },
  { method: 'GET', path: '/v1/sessions/self/events?formats=text', secret: 'ticket' },
  { method: 'GET', path: '/v1/sessions/self/code.png', secret: 'ticket' },
  { method: 'GET', path: '/v1/sessions/self/code.svg', secret: 'ticket' },
  { method: 'GET', path: '/v1/sessions/:id/webhook', secret: 'planted' },
  { method: 'POST', path: '/v1/sessions', secret: 'key', body: NEW_SESSION },
  {
    method: 'POST',
    path: '/v1/sessions/:id/tickets',
    secret: 'key',
    body: { expiresInSeconds: 900, scopes: ['view'], origins: ['https://a.example'] },
  },
  { method: 'POST', path: '/v1/sessions/self/password', secret: 'ticket', body: { password: ':planted' } },
  { method: 'POST', path: '/v1/sessions/self/resume', secret: 'ticket' },
  { method: 'POST', path: '/v1/sessions/:id/webhook', secret: 'key', body: { webhookToken: ':planted', replaceUrl: false } },
  { method: 'DELETE', path: '/v1/sessions/ses_none', secret: 'key' },
  { method: 'DELETE', path: '/v1/tickets/tkt_none', secret: 'key' },
  { method: 'GET', path: '/v1/callbacks?limit=5', secret: 'key' },
  { method: 'POST', path: '/v1/callbacks/cbk_none/replay', secret: 'key' },
  { method: 'GET', path: '/v1/audit?limit=5', secret: 'key' },
  { method: 'GET', path: '/v1/admin/audit', secret: 'admin' },
  { method: 'GET', path: '/v1/sessions/:id/timeline', secret: 'key' },
  { method: 'GET', path: '/v1/admin/sessions/:id/timeline', secret: 'admin' },
  { method: 'GET', path: '/v1/statistics', secret: 'key' },
  { method: 'GET', path: '/v1/admin/statistics', secret: 'admin' },
  { method: 'GET', path: '/v1/admin/weather', secret: 'admin' },
  { method: 'GET', path: '/v1/overview', secret: 'key' },
  { method: 'GET', path: '/v1/admin/overview?tenantId=:tenant', secret: 'admin' },
  { method: 'GET', path: '/v1/admin/sessions?limit=5&state=idle&tenantId=:tenant', secret: 'admin' },
  { method: 'GET', path: '/v1/admin/tenants', secret: 'admin' },
  { method: 'POST', path: '/v1/admin/tenants', secret: 'planted', body: { id: 'other', ...TENANT_FIELDS } },
  { method: 'POST', path: '/v1/admin/tenants', secret: 'admin', body: { id: 'fuzzed', ...TENANT_FIELDS } },
  { method: 'PATCH', path: '/v1/admin/tenants/none', secret: 'admin', body: { ...TENANT_FIELDS, callback: { url: 'https://a.example/' } } },
  { method: 'POST', path: '/v1/webhooks/green-api/:tenant', secret: 'planted', body: { typeWebhook: 'stateInstanceChanged' } },
  { method: 'GET', path: '/connect', secret: 'none' },
  { method: 'GET', path: '/connect/:id', secret: 'none' },
  { method: 'GET', path: '/element.js', secret: 'none' },
  { method: 'GET', path: '/docs', secret: 'none' },
  { method: 'GET', path: '/openapi.json', secret: 'none' },
  { method: 'GET', path: '/healthz', secret: 'none' },
  { method: 'OPTIONS', path: '/v1/sessions/self', secret: 'none' },
];

/** One change of a request. */
type Change =
  | { readonly kind: 'method'; readonly to: string }
  | { readonly kind: 'path'; readonly to: Text }
  | { readonly kind: 'query'; readonly name: string; readonly to: Text }
  | { readonly kind: 'suffix'; readonly to: Text }
  | { readonly kind: 'header'; readonly name: string; readonly to: Text }
  | { readonly kind: 'twice'; readonly nth: number }
  | { readonly kind: 'length'; readonly to: string }
  | { readonly kind: 'chunked'; readonly size: string; readonly end: string }
  | { readonly kind: 'body'; readonly to: Text }
  | { readonly kind: 'line'; readonly end: string }
  | { readonly kind: 'pipelined'; readonly times: number };

const METHODS = ['HEAD', 'PUT', 'PATCH', 'TRACE', 'CONNECT', 'PRI', 'QUERY', 'get', 'G\0ET', 'M-SEARCH', 'POST', 'OPTIONS', ''];
const HEADERS = [
  'Authorization',
  'Content-Type',
  'Content-Encoding',
  'Content-Length',
  'Transfer-Encoding',
  'Host',
  'Origin',
  'If-None-Match',
  'Last-Event-ID',
  'Expect',
  'Upgrade',
  'Connection',
  'X-Forwarded-For',
  'X-HTTP-Method-Override',
  'Accept',
  'Accept-Language',
  'Accept-Encoding',
  'Range',
  'Cookie',
  'Access-Control-Request-Headers',
  'Sec-WebSocket-Key',
  '__proto__',
  'constructor',
  'X',
];
const HEADER_VALUES: readonly string[] = [
  'Bearer ',
  'Bearer Bearer a',
  'Basic Og==',
  'application/json; charset=utf-16',
  'application/json;charset="',
  'text/plain',
  'multipart/form-data; boundary=',
  'gzip',
  'chunked, chunked',
  'identity, chunked',
  'gzip, chunked',
  '"13", W/"13", *',
  '"99999999999999999999"',
  '100-continue',
  'websocket',
  'h2c',
  'close, keep-alive, Upgrade',
  'null',
  '127.0.0.1, ::1, [::1]:1, unknown, 999.1.1.1',
  'bytes=0-1,2-3,-1',
  'a;q=1e999, *;q=-1',
];
const plain = (middle: string): Text => ({ before: '', middle, after: '', times: 0 });
const headerValue = fc.oneof(fc.constantFrom(...HEADER_VALUES.map(plain)), hostileText);

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('method' as const), to: fc.constantFrom(...METHODS) }),
  fc.record({ kind: fc.constant('path' as const), to: hostileText }),
  fc.record({ kind: fc.constant('suffix' as const), to: hostileText }),
  fc.record({
    kind: fc.constant('query' as const),
    name: fc.constantFrom('wait', 'formats', 'visible', 'limit', 'cursor', 'after', 'ticket', 'token[a]', '__proto__[x]', 'state', ''),
    to: hostileText,
  }),
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('header' as const), name: fc.constantFrom(...HEADERS), to: headerValue }) },
  fc.record({ kind: fc.constant('twice' as const), nth: fc.nat(6) }),
  fc.record({
    kind: fc.constant('length' as const),
    to: fc.constantFrom('0', '1', '5', '-1', '+5', '1e3', '0x10', '99999', '9'.repeat(25), '5, 5', ''),
  }),
  fc.record({
    kind: fc.constant('chunked' as const),
    size: fc.constantFrom('real', '0', 'FFFFFFFFFFFFFFFFF', '-1', '5;a=b', `5;${'x'.repeat(20_000)}`, '5\n', '', 'g'),
    end: fc.constantFrom('0\r\n\r\n', '0\r\nTrailer: x\r\n\r\n', '0\r\nContent-Length: 5\r\n\r\n', '', '0\n\n', '00000000000\r\n\r\n'),
  }),
  fc.record({ kind: fc.constant('body' as const), to: hostileText }),
  fc.record({ kind: fc.constant('line' as const), end: fc.constantFrom('\n', '\r', '\r\n ', '\r\n\t', ' \r\n', '\0\r\n') }),
  fc.record({ kind: fc.constant('pipelined' as const), times: fc.integer({ min: 2, max: 30 }) }),
);

export interface HttpInput {
  readonly call: number;
  readonly json: readonly JsonChange[];
  readonly changes: readonly Change[];
  readonly damages: readonly Damage[];
}

const httpInput = (calls: number): fc.Arbitrary<HttpInput> =>
  fc.record({
    call: fc.nat(calls - 1),
    json: fc.array(jsonChange, { maxLength: 2 }),
    changes: fc.array(change, { maxLength: 3 }),
    damages,
  });

type Names = (text: string) => string;

export function httpEdge(
  stage: Pick<Stage, 'target' | 'tenant' | 'adminKey' | 'planted'> & { readonly port: () => number; readonly limitMs?: number },
): Edge<HttpInput> {
  const { target, tenant, adminKey, planted } = stage;
  const secrets: Record<Secret, string> = {
    key: tenant.apiKey,
    ticket: target.ticket,
    admin: adminKey,
    webhook: tenant.webhookToken,
    planted,
    none: '',
  };
  const named: Names = (text) => text.replaceAll(':id', target.sessionId).replaceAll(':tenant', tenant.id).replaceAll(':planted', planted);
  return {
    name: 'HTTP',
    input: httpInput(CALLS.length),
    send: (input) => {
      const call = CALLS[input.call];
      if (call === undefined) throw new Error('the input was made for other calls');
      return exchangeRaw(stage.port(), [bytesOf(call, input, secrets, named)], stage.limitMs);
    },
  };
}

interface Draft {
  method: string;
  path: string;
  headers: [string, string][];
  body: string;
  lineEnd: string;
  times: number;
}

function bytesOf(call: Call, input: HttpInput, secrets: Readonly<Record<Secret, string>>, named: Names): string {
  const secret = secrets[call.secret];
  const body = call.body === undefined ? '' : named(changedJson(call.body, input.json));
  const draft: Draft = {
    method: call.method,
    path: named(call.path),
    headers: [
      ['Host', 'x'],
      ['Connection', 'close'],
      ...(secret === '' ? [] : ([['Authorization', `Bearer ${secret}`]] as [string, string][])),
      ...(call.body === undefined ? [] : ([['Content-Type', 'application/json']] as [string, string][])),
      ...(call.body === undefined ? [] : ([['Content-Length', String(body.length)]] as [string, string][])),
    ],
    body,
    lineEnd: '\r\n',
    times: 1,
  };
  for (const one of input.changes) apply(draft, one);
  const head = [`${draft.method} ${draft.path} HTTP/1.1`, ...draft.headers.map(([name, value]) => `${name}: ${value}`)];
  const bytes = `${head.join(draft.lineEnd)}\r\n\r\n${draft.body}`.repeat(draft.times);
  return damaged(bytes, input.damages);
}

function apply(draft: Draft, change: Change): void {
  const { headers } = draft;
  switch (change.kind) {
    case 'method':
      draft.method = change.to;
      break;
    case 'path':
      draft.path = `/${render(change.to)}`;
      break;
    case 'suffix':
      draft.path += render(change.to);
      break;
    case 'query':
      draft.path += `${draft.path.includes('?') ? '&' : '?'}${change.name}=${render(change.to)}`;
      break;
    case 'header':
      headers.push([change.name, render(change.to)]);
      break;
    case 'twice':
      headers.push(...headers.slice(change.nth, change.nth + 1));
      break;
    case 'length':
      draft.headers = [...headers.filter(([name]) => name !== 'Content-Length'), ['Content-Length', change.to]];
      break;
    case 'chunked':
      sendInChunks(draft, change.size, change.end);
      break;
    case 'body':
      draft.body = render(change.to);
      draft.headers = [...headers.filter(([name]) => name !== 'Content-Length'), ['Content-Length', String(draft.body.length)]];
      break;
    case 'line':
      draft.lineEnd = change.end;
      break;
    case 'pipelined':
      draft.times = change.times;
      draft.headers = headers.filter(([name]) => name !== 'Connection');
      break;
    default:
      change satisfies never;
  }
}

function sendInChunks(draft: Draft, size: string, end: string): void {
  const claimed = size === 'real' ? draft.body.length.toString(16) : size;
  draft.headers = [...draft.headers.filter(([name]) => name !== 'Content-Length'), ['Transfer-Encoding', 'chunked']];
  draft.body = `${claimed}\r\n${draft.body}\r\n${end}`;
}
