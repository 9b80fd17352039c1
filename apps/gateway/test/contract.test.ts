/**
 * Shows that the checks of the tests can fail: each case differs from what is documented in one
 * thing.
 */

import { toClosing } from '@qrcast/core/close-codes';
import { EXAMPLE_SHOWING } from '@qrcast/core/contract/examples';
import { RefusedError, toProblem, toStreamError } from '@qrcast/core/errors';
import { describe, expect, it } from 'vitest';
import { createContractCheck, type Exchange } from './contract.ts';
import { createStreamContract } from './stream-contract.ts';

const contract = createContractCheck();

const read: Exchange = {
  method: 'GET',
  path: '/v1/sessions/self?wait=1&formats=text,image&visible=false',
  requestBody: undefined,
  status: 200,
  headers: new Headers({ 'content-type': 'application/json; charset=utf-8', etag: '"7"' }),
  text: JSON.stringify({ session: EXAMPLE_SHOWING }),
};
const create: Exchange = {
  method: 'POST',
  path: '/v1/sessions/self/tickets',
  requestBody: { scopes: ['view'] },
  status: 201,
  headers: new Headers({ 'content-type': 'application/json' }),
  text: JSON.stringify({ ticket: 'x', ticketId: 'tkt_1', ticketExpiresAt: 1 }),
};

function refusal(code: Parameters<typeof toProblem>[0]['code'], status: number, headers: Record<string, string> = {}): Exchange {
  const text = JSON.stringify(toProblem(new RefusedError(code, 'why')));
  return { ...read, status, text, headers: new Headers({ 'content-type': 'application/problem+json', ...headers }) };
}

const withHeaders = (headers: Record<string, string>): Headers =>
  new Headers({ 'content-type': 'application/json', etag: '"7"', ...headers });
const withSession = (fields: object): string => JSON.stringify({ session: { ...EXAMPLE_SHOWING, ...fields } });

describe('an answer', () => {
  it.each<[name: string, exchange: Exchange]>([
    ['a session', read],
    ['a ticket', create],
    ['not modified', { ...read, status: 304, text: '', headers: new Headers({ etag: '"7"' }) }],
    ['a refusal', refusal('not_found', 404)],
    ['a refusal with its header', refusal('unauthenticated', 401, { 'www-authenticate': 'Bearer' })],
    ['nothing at this path', { ...refusal('not_found', 404), path: '/v1/nothing' }],
    ['a path that is none', { ...refusal('invalid_request', 400), path: '/v1/sessions/%zz' }],
  ])('that is documented passes: %s', (_name, exchange) => {
    expect(() => contract.check(exchange)).not.toThrow();
  });

  it.each<[name: string, exchange: Exchange]>([
    ['a status', { ...read, status: 202 }],
    ['a field', { ...read, text: withSession({ colour: 'red' }) }],
    ['a field beside the session', { ...read, text: JSON.stringify({ session: EXAMPLE_SHOWING, more: 1 }) }],
    ['a field of another type', { ...read, text: withSession({ version: '7' }) }],
    ['a value', { ...read, text: withSession({ state: 'scanned' }) }],
    ['a missing field', { ...read, text: withSession({ viewers: undefined }) }],
    ['a field deep inside', { ...read, text: withSession({ end: { reason: 'deadline', resumable: true, by: 'us' } }) }],
    ['a content type', { ...read, headers: withHeaders({ 'content-type': 'text/plain' }) }],
    ['a missing header', { ...read, headers: new Headers({ 'content-type': 'application/json' }) }],
    ['a malformed header', { ...read, headers: withHeaders({ etag: '7' }) }],
    ['a header', { ...read, headers: withHeaders({ location: '/v1/sessions/x' }) }],
    ['a body where there is none', { ...read, status: 304 }],
    ['a code of another status', refusal('not_found', 409)],
    ['a code that this call never gives', refusal('not_resumable', 409)],
    ['a refusal without its header', refusal('unavailable', 503)],
    ['a refusal that is no problem', { ...refusal('not_found', 404), headers: new Headers({ 'content-type': 'application/json' }) }],
    [
      'a field of a refusal',
      { ...refusal('not_found', 404), text: JSON.stringify({ ...toProblem(new RefusedError('not_found', 'why')), hint: 1 }) },
    ],
    ['an operation', { ...read, path: '/v1/everything' }],
    ['a method', { ...read, method: 'PUT' }],
    ['a query parameter that was taken', { ...read, path: '/v1/sessions/self?page=2' }],
    ['a value in the query that was taken', { ...read, path: '/v1/sessions/self?wait=31' }],
    ['a field that was taken', { ...create, requestBody: { scope: ['view'] } }],
    ['a value that was taken', { ...create, requestBody: { scopes: ['admin'] } }],
    ['a body that may be left out', { ...create, path: '/v1/admin/tenants', requestBody: undefined }],
  ])('that is not documented is a fault: %s', (_name, exchange) => {
    expect(() => contract.check(exchange)).toThrow(/broke the contract/);
  });
});

describe('a stream', () => {
  const fresh = { id: 'ses_1', version: 8, staleAt: 1 };
  type Check = (stream: ReturnType<typeof createStreamContract>) => void;

  it.each<[name: string, check: Check]>([
    ['an event', (stream) => stream.told('socketio', 'fresh', fresh)],
    ['a frame', (stream) => stream.told('websocket', 'fresh', { type: 'fresh', ...fresh })],
    ['an event with its id', (stream) => stream.told('sse', 'fresh', fresh, { event: 'fresh', id: '8' })],
    ['an end', (stream) => stream.told('socketio', 'closing', toClosing('draining', 5))],
    ['a close', (stream) => stream.closed(4506, 'ticket_expired')],
    ['a close without a frame', (stream) => stream.closed(1006, '')],
    ['an accepted call', (stream) => stream.answered('socketio', 'visible', { ok: true })],
    [
      'a refused call',
      (stream) => stream.answered('socketio', 'visible', { ok: false, error: toStreamError(new RefusedError('forbidden', 'why')) }),
    ],
    ['what was taken', (stream) => stream.taken('socketio', 'visible', { visible: true })],
  ])('that is documented passes: %s', (_name, check) => {
    expect(() => check(createStreamContract())).not.toThrow();
  });

  it.each<[name: string, check: Check]>([
    ['a message', (stream) => stream.told('socketio', 'hello', {})],
    ['a field', (stream) => stream.told('socketio', 'fresh', { ...fresh, by: 'us' })],
    ['a field of another type', (stream) => stream.told('websocket', 'fresh', { type: 'fresh', ...fresh, version: '8' })],
    ['a field of a session', (stream) => stream.told('socketio', 'session', { ...EXAMPLE_SHOWING, colour: 'red' })],
    ['a frame without its type', (stream) => stream.told('websocket', 'fresh', fresh)],
    ['an event without its id', (stream) => stream.told('sse', 'fresh', fresh, { event: 'fresh' })],
    ['an event of another name', (stream) => stream.told('sse', 'fresh', fresh, { event: 'session', id: '8' })],
    ['a close code', (stream) => stream.closed(4999, 'bored')],
    ['a word for a close code', (stream) => stream.closed(4506, 'ticket_revoked')],
    ['a number for an end', (stream) => stream.told('socketio', 'closing', { ...toClosing('done'), number: 1001 })],
    ['a call', (stream) => stream.answered('socketio', 'scan', { ok: true })],
    ['an answer', (stream) => stream.answered('socketio', 'visible', { ok: 1 })],
    ['an answer of another call', (stream) => stream.answered('socketio', 'subscribe', { ok: true })],
    ['a field that was taken', (stream) => stream.taken('socketio', 'visible', { visible: true, why: 1 })],
    ['a call that was taken', (stream) => stream.taken('socketio', 'scan', {})],
  ])('that is not documented is a fault: %s', (_name, check) => {
    expect(() => check(createStreamContract())).toThrow(/broke the contract/);
  });
});
