import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { createRelayLanes, type RelayLanes } from '@qrcast/runtime/callbacks/relay-lanes';
import { createLog } from '@qrcast/runtime/log';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, type Answer, openTestGateway, type TestGateway, type TestTenant } from '../../test/gateway.ts';

const KIB = 1024;
const LIMIT_BYTES = 4 * KIB * KIB;

const warnings: string[] = [];
let test: TestGateway;
let lanes: RelayLanes;
beforeAll(async () => {
  test = await openTestGateway({ log: createLog('test', 'warn', { write: (line) => void warnings.push(line) }) });
  lanes = createRelayLanes({ redis: test.node.redis, namespace: test.namespace });
});
afterAll(() => test.close());

const sockets: Socket[] = [];
afterEach(() => sockets.splice(0).forEach((socket) => void socket.destroy()));

const pathOf = ({ id }: TestTenant): string => `/v1/webhooks/green-api/${id}`;

function notify(tenant: TestTenant, body: string, headers: Record<string, string> = {}): Promise<Answer> {
  return test.call('POST', pathOf(tenant), {
    secret: tenant.webhookToken,
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });
}

async function tenantWith(fields: Readonly<Record<string, unknown>>): Promise<TestTenant> {
  const tenant = await test.newTenant();
  expect((await test.call('PATCH', `/v1/admin/tenants/${tenant.id}`, { secret: ADMIN_KEY, body: fields })).status).toBe(200);
  return tenant;
}

/** A JSON text of that many bytes. */
const sized = (bytes: number): string => `"${'x'.repeat(bytes - 2)}"`;

/** A request whose body never ends by itself. */
async function begin(tenant: TestTenant, head: string, body = ''): Promise<Socket> {
  const socket = connect(test.gateway.port, '127.0.0.1').on('error', () => undefined); // cut
  sockets.push(socket);
  await once(socket, 'connect');
  const lines = [
    `POST ${pathOf(tenant)} HTTP/1.1`,
    'Host: x',
    `Authorization: ${tenant.webhookToken}`,
    'Content-Type: application/json',
    head,
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`);
  return socket;
}

const relayed = async (tenant: TestTenant, instanceId = '0'): Promise<string | undefined> =>
  (await lanes.first({ tenantId: tenant.id, instanceId }))?.body;

describe('names that could harm', () => {
  const told =
    '"typeWebhook":"stateInstanceChanged","instanceData":{"idInstance":1101},"timestamp":1,"stateInstance":"authorized","polluted":true';

  it.each([
    `{"__proto__":{${told}}}`,
    `{"constructor":{"prototype":{${told}}}}`,
    `{"instanceData":{"__proto__":{"idInstance":1101}},"typeWebhook":"stateInstanceChanged"}`,
  ])('are accepted, forwarded unchanged, and have no effect: %s', async (body) => {
    const tenant = await tenantWith({ relay: { url: 'https://hooks.example.com/relay' } });
    expect((await notify(tenant, body)).status).toBe(200);
    expect(await relayed(tenant)).toBe(body);
    expect(Object.hasOwn(Object.prototype, 'polluted') || Object.hasOwn(Object.prototype, 'idInstance')).toBe(false);
  });

  it('may stand beside the fields that are read', async () => {
    const tenant = await tenantWith({ relay: { url: 'https://hooks.example.com/relay' } });
    const body = '{"__proto__":{"a":1},"constructor":{"prototype":1},"instanceData":{"__proto__":2,"idInstance":1101}}';
    expect((await notify(tenant, body)).status).toBe(200);
    expect(await relayed(tenant, '1101')).toBe(body);
  });
});

describe('a large body', () => {
  const filled = (start: string, part: (i: number) => string, end: string): string => {
    const parts = Array.from({ length: 200_000 }, (_, i) => part(i));
    return `${start}${parts.join(',')}${end}`;
  };

  it.each([
    ['of names beside __proto__', () => filled('{"__proto__":1,', (i) => `"k${i}":{}`, '}')],
    ['of empty objects', () => filled('[', () => '{}', ']')],
    ['of lists in lists', () => `${'['.repeat(200_000)}${']'.repeat(200_000)}`],
  ])('%s is refused before it is parsed, which would block the process', async (_name, body) => {
    const refused = await notify(await test.newTenant(), body());
    expect([refused.status, refused.body.code]).toEqual([413, 'body_too_large']);
    expect(refused.body.detail).toContain('50000 values');
  });

  it.each([
    ['of text', () => filled('{"text":"', () => '[{\\"a, b\\"}]', '"}')],
    ['of as many values as may be', () => `[${'0,'.repeat(49_997)}0]`],
  ])('%s is accepted', async (_name, body) => {
    expect((await notify(await test.newTenant(), body())).status).toBe(200);
  });
});

describe('the bytes of a body', () => {
  const RELAY = { relay: { url: 'https://hooks.example.com/relay' } };
  const said = '"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":1101}';

  async function notifyBytes(tenant: TestTenant, body: Buffer, contentType: string | null = 'application/json'): Promise<number> {
    const response = await fetch(`${test.url}${pathOf(tenant)}`, {
      method: 'POST',
      body: new Uint8Array(body),
      headers: { authorization: tenant.webhookToken, ...(contentType === null ? {} : { 'content-type': contentType }) },
    });
    return response.status;
  }

  const TAKEN: readonly (readonly [what: string, body: string, contentType: string | null])[] = [
    ['text of all kinds', `{${said}, "text" : "заказ 😀 \\u00fc \\ud83d\\ude00"}`, 'application/json'],
    ['half a surrogate pair, escaped', `{${said},"text":"\\ud800"}`, 'application/json'],
    ['a replacement character that was sent as one', `{${said},"text":"\uFFFD"}`, 'application/json'],
    ['declared as plain text', `{${said}}`, 'text/plain'],
    ['declared in another charset', `{${said},"text":"заказ"}`, 'application/json; charset=windows-1251'],
    ['declared in another charset, and of ASCII alone', `{${said},"text":"order"}`, 'application/json; charset=windows-1251'],
    ['white space around', ` \n{${said}}\r\n`, 'application/json'],
    ['declared as nothing', `{${said}}`, null],
    ['declared as nonsense', `{${said}}`, 'json'],
  ];
  it.each(TAKEN)('are forwarded unchanged: %s', async (_what, body, contentType) => {
    const tenant = await tenantWith(RELAY);
    expect(await notifyBytes(tenant, Buffer.from(body), contentType)).toBe(200);
    expect(await relayed(tenant, '1101')).toBe(body);
  });

  it('are forwarded without a byte-order mark, but with a different id than the same body without one', async () => {
    const tenant = await tenantWith(RELAY);
    const lane = { tenantId: tenant.id, instanceId: '1101' };
    const ids: (string | undefined)[] = [];
    for (const mark of ['\uFEFF', '', '\uFEFF']) {
      expect(await notifyBytes(tenant, Buffer.from(`${mark}{${said}}`))).toBe(200);
      const first = await lanes.first(lane);
      expect(first?.body).toBe(`{${said}}`);
      ids.push(first?.id);
      if (first !== null) await lanes.drop(lane, first);
    }
    expect([new Set(ids).size, ids[0]]).toEqual([2, ids[2]]);
  });

  const NOT_TAKEN: readonly (readonly [what: string, body: Buffer])[] = [
    ['cp1251', Buffer.from(`{${said},"text":"\xe7\xe0\xea\xe0\xe7"}`, 'latin1')],
    ['another text in cp1251', Buffer.from(`{${said},"text":"\xe7\xe0\xea\xe0\xe8"}`, 'latin1')],
    ['an overlong form', Buffer.from(`{${said},"text":"\xc0\xaf"}`, 'latin1')],
    ['a surrogate in bytes', Buffer.from(`{${said},"text":"\xed\xa0\x80"}`, 'latin1')],
    ['UTF-16LE with its mark', Buffer.from(`\uFEFF{${said}}`, 'utf16le')],
    ['UTF-16LE without', Buffer.from(`{${said}}`, 'utf16le')],
    ['UTF-16BE with its mark', Buffer.from(`\uFEFF{${said}}`, 'utf16le').swap16()],
    ['two byte-order marks', Buffer.from(`\uFEFF\uFEFF{${said}}`)],
    ['nothing', Buffer.alloc(0)],
    ['a byte-order mark alone', Buffer.from('\uFEFF')],
    ['white space', Buffer.from(' \r\n')],
    ['KOI8-R', Buffer.from(`{${said},"text":"\xda\xc1\xcb\xc1\xda"}`, 'latin1')],
    ['a character that is cut at the end', Buffer.from(`{${said}}\xd0`, 'latin1')],
    ['gzip', gzipSync(`{${said}}`)],
    ['no JSON', Buffer.from('hello')],
    ['half of it', Buffer.from(`{${said}`)],
    ['a form', Buffer.from('a=b&c=d')],
  ];
  it.each(NOT_TAKEN)(
    'that the envelope cannot hold are answered 200, so that nothing is held back, and not passed on: %s',
    async (_what, body) => {
      const tenant = await tenantWith(RELAY);
      expect(await notifyBytes(tenant, body)).toBe(200);
      for (const instanceId of ['0', '1101']) expect(await relayed(tenant, instanceId)).toBeUndefined();
      expect(await notifyBytes(tenant, Buffer.from(`{${said}}`))).toBe(200);
      expect(await relayed(tenant, '1101')).toBe(`{${said}}`);
    },
  );

  it('that were not forwarded are logged once a minute, without their content', () => {
    const lines = warnings.filter((line) => line.includes('not passed on'));
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 40, tenantId: expect.any(String), bytes: expect.any(Number) });
    expect(lines[0]).not.toContain('incomingMessageReceived');
  });

  it('still report a login', async () => {
    const { session, ticket } = await test.create();
    await test.call('GET', `/v1/sessions/${session.id}`, { secret: ticket });
    await test.answer(session.id, { kind: 'notAuthorized' });
    const at = Math.floor(Date.now() / 1000) + 5;
    const body = `{"typeWebhook":"stateInstanceChanged","instanceData":{"idInstance":${session.instanceId},"name":"\xe7\xe0"},"timestamp":${at},"stateInstance":"authorized"}`;
    expect(await notifyBytes(test.tenant, Buffer.from(body, 'latin1'))).toBe(200);
    expect((await test.call('GET', `/v1/sessions/${session.id}`)).body.session.state).toBe('connected');
  });
});

describe('a call', () => {
  it('counts once for each started 64 KiB', async () => {
    const tenant = await tenantWith({ limits: { webhookCallsPerMinute: 4 } });
    const statuses = [];
    for (const bytes of [64 * KIB, 64 * KIB + 1, 64 * KIB + 1, 2]) statuses.push((await notify(tenant, sized(bytes))).status);
    expect(statuses).toEqual([200, 200, 429, 200]);
  });

  it('counts at most as much as the whole limit, so that a large one can be accepted', async () => {
    const tenant = await tenantWith({ limits: { webhookCallsPerMinute: 4 } });
    expect((await notify(tenant, sized(LIMIT_BYTES))).status).toBe(200);
    expect((await notify(tenant, '{}')).status).toBe(429);
  });

  it('without a declared length counts by the bytes that come', async () => {
    const tenant = await tenantWith({ limits: { webhookCallsPerMinute: 4 } });
    const chunked = async (bytes: number): Promise<string> => {
      const socket = await begin(tenant, 'Transfer-Encoding: chunked', `${bytes.toString(16)}\r\n${sized(bytes)}\r\n0\r\n\r\n`);
      return String((await once(socket, 'data'))[0]).slice(9, 12);
    };
    expect(await chunked(2)).toBe('200');
    expect(await chunked(64 * KIB + 1)).toBe('200');
    expect(await chunked(64 * KIB + 1)).toBe('429'); // one call was left, and this one used it
    expect(await chunked(2)).toBe('429');
  });
});

describe('bodies under way', () => {
  const refusal = ({ status, headers, body }: Answer) => [status, body.code, headers.get('retry-after')];
  /** Repeated until the budget has room. Each try counts as 64 calls. */
  const unlimitedTenant = (): Promise<TestTenant> => tenantWith({ limits: { webhookCallsPerMinute: 1_000_000 } });
  const declared = `Content-Length: ${LIMIT_BYTES}`;

  it('have a budget of 16 MiB for each tenant, which callers that disconnect release', async () => {
    const tenant = await unlimitedTenant();
    for (let round = 0; round < 5; round++) {
      // Bytes that one does not release are missing for the next.
      const held = await Promise.all(Array.from({ length: 5 }, () => begin(tenant, declared, '{"a')));
      const [refused] = await Promise.race(held.map((socket) => once(socket, 'data')));
      expect(String(refused)).toContain('HTTP/1.1 429 ');
      if (round === 0) {
        expect(refusal(await notify(tenant, '{}'))).toEqual([429, 'too_many_requests', '1']);
        expect((await notify(await test.newTenant(), sized(LIMIT_BYTES))).status).toBe(200);
      }
      for (const socket of held) socket.destroy();
      while ((await notify(tenant, sized(LIMIT_BYTES))).status === 429);
    }
  });

  it('without a declared length reserve the budget as they come', async () => {
    const tenant = await unlimitedTenant();
    const chunk = `3fffff\r\n"${'x'.repeat(LIMIT_BYTES - 2)}\r\n`;
    for (let round = 0; round < 3; round++) {
      const held = await Promise.all(Array.from({ length: 6 }, () => begin(tenant, 'Transfer-Encoding: chunked', chunk)));
      const [refused] = await Promise.race(held.map((socket) => once(socket, 'data')));
      expect(String(refused)).toContain('HTTP/1.1 429 ');
      for (const socket of held) socket.destroy();
      while ((await notify(tenant, sized(LIMIT_BYTES))).status === 429);
    }
  });

  it('release it with their answer, whatever that is', async () => {
    const tenant = await unlimitedTenant();
    const bodies = [sized(LIMIT_BYTES), 'x'.repeat(LIMIT_BYTES), sized(LIMIT_BYTES + 1)];
    for (let round = 0; round < 3; round++) {
      const statuses = [];
      for (const body of bodies) statuses.push((await notify(tenant, body)).status);
      expect(statuses).toEqual([200, 200, 413]);
    }
  });

  it('release it also if one was pipelined behind another, and the caller leaves before or after the first answer', async () => {
    const tenant = await unlimitedTenant();
    for (let round = 0; round < 5; round++) {
      const first = `{}POST ${pathOf(tenant)} HTTP/1.1\r\nHost: x\r\nAuthorization: ${tenant.webhookToken}\r\nContent-Type: application/json\r\n${declared}\r\n\r\n{`;
      const socket = await begin(tenant, 'Content-Length: 2', first);
      if (round % 2 === 0) await once(socket, 'data');
      socket.destroy();
    }
    while ((await notify(tenant, sized(LIMIT_BYTES))).status !== 200);
  });
});

it('a wrong token is logged once a minute', async () => {
  const tenant = await test.newTenant();
  for (let i = 0; i < 20; i++) expect((await notify({ ...tenant, webhookToken: 'wrong' }, '{}')).status).toBe(401);
  expect(warnings.filter((line) => line.includes('wrong webhook token'))).toHaveLength(1);
});

it.each(['Content-Length: 10', 'Transfer-Encoding: chunked'])(
  'a caller that disconnects within its body is not logged as a fault: %s',
  async (head) => {
    const tenant = await test.newTenant();
    const socket = await begin(tenant, head, head.startsWith('Content') ? '{' : '1\r\n{\r\n');
    socket.end();
    await once(socket.resume(), 'close'); // the gateway has noticed it
    expect((await notify(tenant, '{}')).status).toBe(200);
    expect(warnings.filter((line) => line.includes('a request failed'))).toEqual([]);
  },
);
