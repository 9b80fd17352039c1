/**
 * Tries every call with every credential that does not allow it. Each must give the documented
 * refusal, and nothing of what belongs to another tenant. The calls come from the tables of the
 * contract, so a new call is tried as soon as it is documented.
 */

import { openApiDocument } from '@qrcast/core/contract/openapi';
import { ERRORS, type ErrorCode } from '@qrcast/core/errors';
import { openRedisMonitor } from '@qrcast/runtime/test/monitor';
import { sampleSession } from '@qrcast/runtime/test/runtime';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Answer, type CallOptions, newInstance } from '../test/gateway.ts';
import { ELSEWHERE, type Named, openTestRefusals, type TestRefusals } from '../test/refusals.ts';

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

let test: TestRefusals['test'];
let mine: TestRefusals['mine'];
let foreigner: TestRefusals['foreigner'];
let foreign: TestRefusals['foreign'];
let named: TestRefusals['named'];
let secrets: TestRefusals['secrets'];
beforeAll(async () => {
  ({ test, mine, foreigner, foreign, named, secrets } = await openTestRefusals());
});
afterAll(() => test.close());

/** The value of each parameter. @throws {Error} for a call that names something new. */
function thingOf({ path }: Operation): Named | null {
  const [, kind = '', hasParameter] = /^\/v1\/(\w+)[^{]*(\{)?/.exec(path) ?? [];
  if (hasParameter === undefined) return null;
  const thing = named[kind];
  if (thing === undefined) throw new Error(`${path}: say in test/refusals.ts what there is to be named in it`);
  return thing;
}

function call(operation: Operation, which: keyof Named, options: CallOptions): Promise<Answer> {
  const path = operation.path.replaceAll(/\{\w+\}/g, thingOf(operation)?.[which] ?? '');
  return test.call(operation.method, path, { ...(operation.body === undefined ? {} : { body: operation.body }), ...options });
}

/** Everything that a caller can see of an answer. */
/** Each answer has another date and another id, whatever it says. */
const OF_EACH_ANSWER: ReadonlySet<string> = new Set(['date', 'x-request-id']);
const seen = ({ status, headers, text }: Answer) => ({ status, text, headers: [...headers].filter(([name]) => !OF_EACH_ANSWER.has(name)) });

const isForOneSession = ({ path }: Operation): boolean => path.startsWith('/v1/sessions/{id}');
/** For the operator's and the provider's calls a tenant's credential counts as none. */
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

/** How each credential is refused; null if it allows the call. */
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
    it.each(naming.map((operation) => [operation.id, operation] as const))('learns nothing from %s', async (_id, operation) => {
      const options = { secret: strangers[stranger]?.() ?? null };
      const [there, nowhere] = [await call(operation, 'there', options), await call(operation, 'nowhere', options)];
      expect(seen(there)).toEqual(seen(nowhere));
      // Revoking what is not theirs is answered like revoking what never existed.
      const taken = stranger === 'API key' && operation.id === 'revokeTicket';
      expect(there.status).toBe(taken ? 204 : elsewhere(operation) === 'forbidden' && stranger === 'ticket' ? 403 : 404);
    });
  });

  it('things cost the same as what does not exist: the same commands of Redis', async () => {
    const monitor = await openRedisMonitor(inject('redisServers'));
    const commands: string[][] = [];
    monitor.on('monitor', (_time: string, args: string[]) => commands.push(args));
    /** The commands of Redis that concern `id`, once all of them have been seen. */
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

  it.each(['sessions', 'callbacks'])('%s cannot be the cursor of a page', async (list) => {
    const page = (cursor = '') => test.call('GET', `/v1/${list}?cursor=${cursor}`, { secret: foreigner.apiKey });
    expect(seen(await page(named[list]?.there))).toEqual(seen(await page(named[list]?.nowhere)));
  });

  it('expired session looks like one that does not exist', async () => {
    const past = Date.now() - 60_000;
    const gone = sampleSession({ tenantId: test.tenant.id, expiresAt: past + 30_000 }, past);
    await test.node.sessions.create(gone, '');
    const read = (id: string, secret: string) => test.call('GET', `/v1/sessions/${id}`, { secret });
    expect((await read(gone.id, test.tenant.apiKey)).body.code).toBe('session_expired');
    expect(seen(await read(gone.id, foreigner.apiKey))).toEqual(seen(await read('ses_AAAAAAAAAAAAAAAA', foreigner.apiKey)));
  });

  it('address for notifications looks like that of a tenant that does not exist', async () => {
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
