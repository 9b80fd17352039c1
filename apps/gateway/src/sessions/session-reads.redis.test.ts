/**
 * How often a viewer's request reads the record of its session: once, unless the request waits or
 * calls the provider. Not counted here: the quota of sessions looks again at a session that ended
 * and can be resumed.
 */

import { randomUUID } from 'node:crypto';
import { sessionKey } from '@qrcast/runtime/redis/keys';
import { openRedisMonitor, type RedisMonitor } from '@qrcast/runtime/test/monitor';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { type Answer, type Body, openTestGateway, type TestGateway } from '../../test/gateway.ts';

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());

let monitor: RedisMonitor;
let commands: (readonly string[])[] = [];
beforeEach(async () => {
  commands = [];
  monitor = await openRedisMonitor(inject('redisServers'));
  monitor.on('monitor', (_time, args) => void commands.push(args));
});
afterEach(() => monitor.disconnect());

/** Of the session's record, by whatever connection, since the test began. */
async function readsOf(sessionId: string): Promise<number> {
  const mark = randomUUID();
  await test.node.redis.ping(mark); // when the monitor reports this, it has reported everything before
  while (!commands.some((args) => args.includes(mark))) await new Promise((resolve) => monitor.once('monitor', resolve));
  const key = sessionKey(test.namespace, sessionId);
  return commands.filter(([name, on, ...rest]) => /^h(m?get|getall)$/i.test(name ?? '') && on === key && isOfRecord(rest)).length;
}

const isOfRecord = (fields: readonly string[]): boolean => fields.length === 0 || fields.includes('record');

async function showing(): Promise<Body> {
  const made = await test.create();
  await test.call('GET', `/v1/sessions/${made.session.id}`, { secret: made.ticket });
  await test.showCode(made.session.id, 'SEEN');
  commands = [];
  return made;
}

async function resumable(): Promise<Body> {
  const made = await test.create();
  await test.passDeadline(made.session.id);
  commands = [];
  return made;
}

async function cancelled(): Promise<Body> {
  const made = await test.create();
  await test.call('DELETE', `/v1/sessions/${made.session.id}`);
  commands = [];
  return made;
}

async function idle(): Promise<Body> {
  const made = await test.create();
  commands = [];
  return made;
}

const call = ({ ticket }: Body, method: string, path = ''): Promise<Answer> =>
  test.call(method, `/v1/sessions/self${path}`, { secret: ticket });

describe('a request with a ticket reads its session once:', () => {
  it.each([
    ['a look that begins the polls', idle, '', 200],
    ['a look at a code', showing, '', 200],
    ['a look from a hidden page', showing, '?visible=false', 200],
    ['a look at an end', cancelled, '', 200],
    ['a picture', showing, '/code.png', 200],
    ['a picture before there is one', idle, '/code.png', 404],
  ])('%s', async (_what, prepare, path, status) => {
    const made = await prepare();
    expect((await call(made, 'GET', path)).status).toBe(status);
    expect(await readsOf(made.session.id)).toBe(1);
  });

  it('a resume', async () => {
    const made = await resumable();
    const { status, body } = await call(made, 'POST', '/resume');
    expect([status, body.session.state]).toEqual([200, 'waiting']);
    expect(await readsOf(made.session.id)).toBe(1);
  });

  it('a refused password', async () => {
    const made = await showing();
    const { ticket, session } = made;
    const path = `/v1/sessions/${session.id}/password`;
    expect((await test.call('POST', path, { secret: ticket, body: { password: 'x' } })).status).toBe(409);
    expect(await readsOf(session.id)).toBe(1);
  });
});

it('a read of a code that has just come includes its picture', async () => {
  const made = await idle();
  const before = await call(made, 'GET');
  await test.showCode(made.session.id, 'LATER');
  const { body } = await call(made, 'GET');
  expect(before.body.session.code).toBeNull();
  expect(body.session.code?.image).toContain('data:image/png;base64,');
});

it('a cancel by the tenant reads the session once', async () => {
  const { session } = await showing();
  expect((await test.call('DELETE', `/v1/sessions/${session.id}`)).status).toBe(204);
  expect(await readsOf(session.id)).toBe(1);
});
