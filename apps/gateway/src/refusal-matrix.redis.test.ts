/**
 * Every call and every stream, with every credential that is not good for it: the documented refusal, and not a word of what is another
 * tenant's. The calls come from the contract's tables, so that a new one stands here from the day it is written down.
 */

import type { Callback } from '@qrcast/core/callback';
import { CLOSE_CODES, type CloseReason } from '@qrcast/core/close-codes';
import { ERRORS, type ErrorCode } from '@qrcast/core/errors';
import { openApiDocument } from '@qrcast/core/openapi';
import { createCallbackLog } from '@qrcast/runtime/callback-log';
import { sampleSession } from '@qrcast/runtime/test-runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ADMIN_KEY,
  type Answer,
  type Body,
  type CallOptions,
  newInstance,
  openTestGateway,
  type TestGateway,
  type TestTenant,
} from './test-gateway.ts';
import { STREAM_TRANSPORTS } from './test-stream-clients.ts';
import { openSocket } from './test-websocket.ts';

const APP = 'https://app.example.com';
const ELSEWHERE = 'https://elsewhere.example.com';

interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly credentials: readonly string[];
  readonly body: unknown;
}

const { paths } = openApiDocument({ serverUrl: 'http://127.0.0.1', version: '0' });
const OPERATIONS: readonly Operation[] = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { operationId, security, requestBody }]) => ({
    id: operationId,
    method: method.toUpperCase(),
    path,
    credentials: security.flatMap((one) => Object.keys(one)),
    body: requestBody?.content['application/json']?.example,
  })),
);
const WITH_CREDENTIAL = OPERATIONS.filter(({ credentials }) => credentials.length > 0);
const TENANTS = OPERATIONS.filter(({ credentials }) => credentials.includes('apiKey'));
const takes =
  (kind: string) =>
  (operation: Operation): boolean =>
    operation.credentials.includes(kind);

/** What the calls name: one that there is, and that is not the caller's, and one that is nowhere. */
interface Named {
  readonly there: string;
  readonly nowhere: string;
}

let test: TestGateway;
/** Of the tenant whose things nobody else may know of. */
let mine: Body;
let foreigner: TestTenant;
let foreign: Body;
let named: Readonly<Record<string, Named>>;
let secrets: Readonly<Record<string, string | null>>;

beforeAll(async () => {
  test = await openTestGateway();
  mine = await test.create({ reference: 'order-of-mine' });
  foreigner = await test.newTenant();
  foreign = await test.create({}, foreigner);
  const { id } = mine.session;
  const callback: Callback = {
    id: `evt_${id}_1`,
    tenantId: test.tenant.id,
    sessionId: id,
    type: 'session.ended',
    createdAt: Date.now(),
    payload: '{}',
  };
  await createCallbackLog({ redis: test.node.redis, namespace: test.namespace }).add(callback);
  named = {
    sessions: { there: id, nowhere: 'ses_AAAAAAAAAAAAAAAA' },
    tickets: { there: mine.ticketId, nowhere: 'tkt_AAAAAAAAAAAAAAAA' },
    callbacks: { there: callback.id, nowhere: 'evt_AAAAAAAAAAAAAAAA_1' },
    admin: { there: test.tenant.id, nowhere: 'nobody' },
    webhooks: { there: test.tenant.id, nowhere: 'nobody' },
  };
  const revoked = (await test.call('POST', `/v1/sessions/${id}/tickets`)).body;
  await test.call('DELETE', `/v1/tickets/${revoked.ticketId}`);
  const [head, claims] = mine.ticket.split('.');
  const expiresAt = mine.ticketExpiresAt;
  const suspended = await test.newTenant();
  const theirs = await test.create({}, suspended);
  await test.gateway.tenants.patch(suspended.id, { suspended: true });
  secrets = {
    'no credential': null,
    'an unknown key': `qk_${'A'.repeat(43)}`,
    'the admin key': ADMIN_KEY,
    "the tenant's own key": test.tenant.apiKey,
    "the tenant's webhook token": test.tenant.webhookToken,
    "another tenant's webhook token": foreigner.webhookToken,
    'a forged ticket': `${head}.${claims}.${'A'.repeat(43)}`,
    'an unsigned ticket': `${Buffer.from('{"alg":"none"}').toString('base64url')}.${claims}.`,
    'an expired ticket': await test.ticketFor(id, { expiresAt: Date.now() - 1_000 }),
    'a revoked ticket': revoked.ticket,
    'a ticket for another origin': await test.ticketFor(id, { origins: [APP], expiresAt }),
    'a ticket without the scope': await test.ticketFor(id, { scopes: [], expiresAt }),
    "a suspended tenant's key": suspended.apiKey,
    "a suspended tenant's ticket": theirs.ticket,
    'a ticket': mine.ticket,
    'a ticket of another session': (await test.create()).ticket,
    "a ticket of another tenant's session": foreign.ticket,
    'a ticket of another tenant for this session': await test.ticketFor(id, { tenantId: foreigner.id, expiresAt }),
  };
});
afterAll(() => test.close());

/** What stands in the place of each parameter. @throws {Error} for a call that names something new. */
function thingOf({ path }: Operation): Named | null {
  const [, place = '', hasParameter] = /^\/v1\/(\w+)[^{]*(\{)?/.exec(path) ?? [];
  if (hasParameter === undefined) return null;
  const thing = named[place];
  if (thing === undefined) throw new Error(`${path}: say above what there is to be named in it`);
  return thing;
}

function call(operation: Operation, which: keyof Named, options: CallOptions): Promise<Answer> {
  const path = operation.path.replaceAll(/\{\w+\}/g, thingOf(operation)?.[which] ?? '');
  return test.call(operation.method, path, { ...(operation.body === undefined ? {} : { body: operation.body }), ...options });
}

/** All that a caller can see of an answer. */
const seen = ({ status, headers, text }: Answer) => ({ status, text, headers: [...headers].filter(([name]) => name !== 'date') });

const isForOneSession = ({ path }: Operation): boolean => path.startsWith('/v1/sessions/{id}');
/** A tenant's credential is none for the operator and the provider. */
const ofTenant =
  (refusal: (operation: Operation) => ErrorCode) =>
  (operation: Operation): ErrorCode =>
    takes('apiKey')(operation) ? refusal(operation) : 'unauthenticated';
const unauthenticated = (): ErrorCode => 'unauthenticated';
const unless =
  (kind: string) =>
  (operation: Operation): ErrorCode | null =>
    takes(kind)(operation) ? null : 'unauthenticated';
const elsewhere = ofTenant((operation) => (isForOneSession(operation) ? 'not_found' : 'forbidden'));

/** How each is refused; null where it is good for the call. */
const REFUSALS: Readonly<Record<string, (operation: Operation) => ErrorCode | null>> = {
  'no credential': unauthenticated,
  'an unknown key': unauthenticated,
  'the admin key': unless('adminKey'),
  "the tenant's own key": unless('apiKey'),
  "the tenant's webhook token": unless('webhookToken'),
  "another tenant's webhook token": unauthenticated,
  'a forged ticket': unauthenticated,
  'an unsigned ticket': unauthenticated,
  'an expired ticket': unauthenticated,
  'a revoked ticket': unauthenticated,
  'a ticket for another origin': ofTenant(() => 'origin_not_allowed'),
  'a ticket without the scope': ofTenant(() => 'forbidden'),
  "a suspended tenant's key": ofTenant(() => 'forbidden'),
  "a suspended tenant's ticket": ofTenant(() => 'forbidden'),
  'a ticket': (operation) => (takes('ticket')(operation) ? null : ofTenant(() => 'forbidden')(operation)),
  'a ticket of another session': elsewhere,
  "a ticket of another tenant's session": elsewhere,
  'a ticket of another tenant for this session': elsewhere,
};

describe.each(WITH_CREDENTIAL.map((operation) => [operation.id, operation] as const))('the call %s', (_id, operation) => {
  const refused = Object.entries(REFUSALS).flatMap(([name, refusal]) => {
    const code = refusal(operation);
    return code === null ? [] : [[name, code] as const];
  });

  it.each(refused)('with %s is %s', async (name, code) => {
    const secret = secrets[name] ?? null;
    const answer = await call(operation, 'there', { secret, headers: { origin: ELSEWHERE } });
    expect([answer.status, answer.body.code]).toEqual([ERRORS[code].status, code]);
    expect(answer.headers.get('www-authenticate')).toBe(code === 'unauthenticated' ? 'Bearer' : null);
    for (const part of [secret, mine.session.id, test.tenant.id].filter((one) => one !== null)) expect(answer.text).not.toContain(part);
  });
});

describe("another tenant's", () => {
  const strangers: Readonly<Record<string, () => string>> = {
    'API key': () => foreigner.apiKey,
    ticket: () => foreign.ticket,
  };

  describe.each(Object.keys(strangers))('%s', (stranger) => {
    const naming = TENANTS.filter(({ path }) => path.includes('{'));
    it.each(naming.map((operation) => [operation.id, operation] as const))('learns of nothing by %s', async (_id, operation) => {
      const options = { secret: strangers[stranger]?.() ?? null };
      const [there, nowhere] = [await call(operation, 'there', options), await call(operation, 'nowhere', options)];
      expect(seen(there)).toEqual(seen(nowhere));
      // A revocation of what is not theirs is as good as one of what never was.
      const taken = stranger === 'API key' && operation.id === 'revokeTicket';
      expect(there.status).toBe(taken ? 204 : elsewhere(operation) === 'forbidden' && stranger === 'ticket' ? 403 : 404);
    });
  });

  it('way to nothing and to theirs is the same: the same commands of Redis', async () => {
    const monitor = await test.node.redis.monitor();
    const commands: string[][] = [];
    monitor.on('monitor', (_time: string, args: string[]) => commands.push(args));
    /** What Redis was asked that concerns `id`, once all of it has been seen. */
    async function askedOf(id: string): Promise<string[]> {
      const mark = `mark-${id}-${commands.length}`;
      await test.node.redis.echo(mark);
      while (!commands.some((args) => args.includes(mark))) await new Promise((resolve) => monitor.once('monitor', resolve));
      return commands
        .filter((args) => !args.includes(mark) && args.some((arg) => arg.includes(id)))
        .map((args) =>
          args
            .join(' ')
            .replaceAll(id, '…')
            .replaceAll(/\b\d{13}\b/g, 'a moment'),
        );
    }
    try {
      for (const operation of TENANTS.filter(({ path }) => path.includes('{'))) {
        const asked: string[][] = [];
        for (const which of ['there', 'nowhere'] as const) {
          commands.length = 0;
          await call(operation, which, { secret: foreigner.apiKey });
          asked.push(await askedOf(thingOf(operation)?.[which] ?? ''));
        }
        expect(asked[0], operation.id).toEqual(asked[1]);
        expect(asked[0]?.length, operation.id).toBeGreaterThan(0);
      }
    } finally {
      monitor.disconnect();
    }
  });

  it.each(TENANTS.filter(({ path }) => !path.includes('{')).map((operation) => [operation.id, operation] as const))(
    'things are not in what %s answers',
    async (_id, operation) => {
      const body = operation.body === undefined ? undefined : { ...newInstance(), instanceId: mine.session.instanceId };
      const { status, text } = await call(operation, 'there', { secret: foreigner.apiKey, body });
      expect(status).toBeLessThan(300);
      for (const part of [mine.session.id, test.tenant.id, 'order-of-mine', named['callbacks']?.there ?? ''])
        expect(text).not.toContain(part);
    },
  );

  it.each(['sessions', 'callbacks'])('%s are no place to begin a page at', async (list) => {
    const page = (cursor = '') => test.call('GET', `/v1/${list}?cursor=${cursor}`, { secret: foreigner.apiKey });
    expect(seen(await page(named[list]?.there))).toEqual(seen(await page(named[list]?.nowhere)));
  });

  it('expired session is none', async () => {
    const past = Date.now() - 60_000;
    const gone = sampleSession({ tenantId: test.tenant.id, expiresAt: past + 30_000 }, past);
    await test.node.sessions.create(gone, '');
    const read = (id: string, secret: string) => test.call('GET', `/v1/sessions/${id}`, { secret });
    expect((await read(gone.id, test.tenant.apiKey)).body.code).toBe('session_expired');
    expect(seen(await read(gone.id, foreigner.apiKey))).toEqual(seen(await read('ses_AAAAAAAAAAAAAAAA', foreigner.apiKey)));
  });

  it('address for notifications is none: the tenant may as well not exist', async () => {
    const operation = OPERATIONS.find(takes('webhookToken'));
    if (operation === undefined) throw new Error('the provider has no call any more');
    const options = { secret: foreigner.webhookToken };
    expect(seen(await call(operation, 'there', options))).toEqual(seen(await call(operation, 'nowhere', options)));
  });

  it('attempts have changed nothing', async () => {
    const { status, body } = await test.call('GET', '/v1/sessions/self', { secret: mine.ticket });
    expect([status, body.session.id, body.session.state]).toEqual([200, mine.session.id, 'waiting']);
    const { text } = await test.call('GET', `/v1/callbacks/${named['callbacks']?.there}`);
    expect(JSON.parse(text)).toMatchObject({ callback: { state: 'pending', attempts: [] } });
  });
});

/** How a stream is refused whose ticket is one of `secrets`; `close` where a code of its own tells more than the refusal. */
const STREAM_REFUSALS: Readonly<Record<string, { readonly code: ErrorCode; readonly close: CloseReason }>> = {
  'a forged ticket': { code: 'unauthenticated', close: 'unauthenticated' },
  'an unsigned ticket': { code: 'unauthenticated', close: 'unauthenticated' },
  'an unknown key': { code: 'unauthenticated', close: 'unauthenticated' },
  'the admin key': { code: 'unauthenticated', close: 'unauthenticated' },
  'an expired ticket': { code: 'unauthenticated', close: 'ticket_expired' },
  'a revoked ticket': { code: 'unauthenticated', close: 'ticket_revoked' },
  'a ticket for another origin': { code: 'origin_not_allowed', close: 'forbidden' },
  'a ticket without the scope': { code: 'forbidden', close: 'forbidden' },
  "a suspended tenant's ticket": { code: 'forbidden', close: 'forbidden' },
  'a ticket of another tenant for this session': { code: 'not_found', close: 'not_found' },
};

/** An API key on a stream is no ticket; over HTTP it may read, and has no session of its own. */
const OWN_KEY = "the tenant's own key";

describe.each(STREAM_TRANSPORTS)('a stream: $name', (transport) => {
  it.each([...Object.keys(STREAM_REFUSALS), OWN_KEY])('with %s is refused, and told nothing', async (name) => {
    const wanted = STREAM_REFUSALS[name];
    const stream = transport.open({ url: test.url, ticket: secrets[name] ?? '', origin: ELSEWHERE });
    const { code, number, status } = await stream.ended;
    expect(stream.told.order).toEqual([]);
    stream.close();
    const codes: readonly (string | undefined)[] = wanted === undefined ? ['unauthenticated', 'not_found'] : [wanted.code, wanted.close]; // as the transport says it
    if (!transport.name.includes('undici')) expect(codes).toContain(code); // it tells no reason
    if (number !== undefined) expect(number).toBe(CLOSE_CODES[wanted?.close ?? 'unauthenticated']);
    if (status !== undefined) expect(status).toBe(ERRORS[wanted?.code ?? 'not_found'].status);
  });
});

describe('on a stream that stands', () => {
  /** A session that is the caller's on this connection, one that is the other tenant's, and one that is nowhere. */
  const strange = () => [foreign.session.id, 'ses_AAAAAAAAAAAAAAAA'] as const;

  it.each(['resume', 'password'])('%s of another session is not_found over Socket.IO, whether there is one or not', async (event) => {
    const viewer = test.view(mine.ticket);
    await viewer.until('session');
    const acks = [];
    for (const sessionId of strange())
      acks.push(await viewer.call(event, { sessionId, ...(event === 'password' ? { password: 'x' } : {}) }));
    expect(acks[0]).toMatchObject({ ok: false, error: { code: 'not_found' } });
    expect(acks[0]).toEqual(acks[1]);
    viewer.socket.disconnect();
  });

  it.each(['resume', 'password'])('%s of another session is not_found over WebSocket, whether there is one or not', async (type) => {
    const socket = openSocket(test.url);
    await socket.call({ type: 'subscribe', ticket: mine.ticket });
    const errors = [];
    for (const sessionId of strange()) {
      const { ref, ...answer } = await socket.call({ type, sessionId, ...(type === 'password' ? { password: 'x' } : {}) });
      errors.push(answer);
    }
    expect(errors[0]).toMatchObject({ type: 'error', error: { code: 'not_found' } });
    expect(errors[0]).toEqual(errors[1]);
    socket.raw.terminate();
  });

  it.each(Object.entries(STREAM_REFUSALS))('one more subscription with %s is refused, and harms none', async (name, { code }) => {
    const ticket = secrets[name] ?? '';
    const headers = { origin: ELSEWHERE };
    const viewer = test.view(mine.ticket, { headers });
    await viewer.until('session');
    expect(await viewer.call('subscribe', { ticket })).toMatchObject({ ok: false, error: { code } });
    const socket = openSocket(test.url, { headers });
    await socket.call({ type: 'subscribe', ticket: mine.ticket });
    expect(await socket.call({ type: 'subscribe', ticket })).toMatchObject({ type: 'error', error: { code } });
    expect(await socket.call({ type: 'ping' })).toMatchObject({ type: 'pong' });
    expect(viewer.socket.connected).toBe(true);
    viewer.socket.disconnect();
    socket.raw.terminate();
  });

  it('a password needs its scope', async () => {
    const viewOnly = await test.ticketFor(mine.session.id, { scopes: ['view'] });
    const { id: sessionId } = mine.session;
    const viewer = test.view(viewOnly);
    await viewer.until('session');
    expect(await viewer.call('password', { sessionId, password: 'x' })).toMatchObject({ error: { code: 'forbidden' } });
    const socket = openSocket(test.url);
    await socket.call({ type: 'subscribe', ticket: viewOnly });
    expect(await socket.call({ type: 'password', sessionId, password: 'x' })).toMatchObject({ error: { code: 'forbidden' } });
    viewer.socket.disconnect();
    socket.raw.terminate();
  });
});
