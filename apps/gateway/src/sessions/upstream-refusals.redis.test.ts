/**
 * Server-side request forgery by `apiUrl`. However the address is written, it is refused before
 * anything is connected to.
 */

import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newInstance, openTestGateway, type TestGateway } from '../../test/gateway.ts';

const HOST = '7103.api.green-api.com';

/** A request that is led into our own network ends here. */
let trap: Server;
let connections = 0;
let port: number;
let test: TestGateway;
beforeAll(async () => {
  trap = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
  const address = trap.address();
  if (address === null || typeof address === 'string') throw new Error('expected a TCP address');
  port = address.port;
  test = await openTestGateway();
});
afterAll(async () => {
  await test.close();
  await new Promise((resolve) => trap.close(resolve));
});

const create = (apiUrl: string, by = test) =>
  by.call('POST', '/v1/sessions', { secret: by.tenant.apiKey, body: { ...newInstance(), apiUrl } });

/** Hosts of our own network, in all notations that URL parsers and resolvers accept. */
const OURS = [
  '127.0.0.1',
  '127.1',
  '127.0.0.1.',
  '2130706433',
  '0x7f000001',
  '0x7f.0x0.0x0.0x1',
  '017700000001',
  '0177.0.0.1',
  '127.0.0.1%00',
  '①②⑦.0.0.1',
  '127。0。0。1',
  '0',
  '0.0.0.0',
  '[::1]',
  '[::]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  'localhost',
  'LOCALHOST',
  'localhost.',
  'ⓛocalhost',
  'localhost.localdomain',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.0.1',
  '169.254.169.254',
  '0xa9fea9fe',
  '2852039166',
  '[fd00:ec2::254]',
  '[fe80::1]',
  'metadata.google.internal',
];

/** Addresses that look like an allowed host and lead to another one. */
const DISGUISED = [
  `https://${HOST}@127.0.0.1`,
  `https://user:word@${HOST}`,
  `https://@${HOST}`,
  `https://${HOST}:443@127.0.0.1`,
  `https://${HOST}%40127.0.0.1`,
  `https://127.0.0.1\\@${HOST}`,
  `https://127.0.0.1#@${HOST}`,
  `https://127.0.0.1#.api.green-api.com`,
  `https://127.0.0.1?.api.green-api.com`,
  `https://127.0.0.1/.api.green-api.com`,
  `https://127.0.0.1%23.api.green-api.com`,
  `https://127.0.0.1%2f.api.green-api.com`,
  `https://127.0.0.1%00.api.green-api.com`,
  `https://127.0.0.1.api.green-api.com`,
  `https://${HOST}.127.0.0.1.nip.io`,
  `https://${HOST}.`,
  'https://1101.аpi.green-api.com', // a Cyrillic letter
  'https://1101.xn--pi-6kc.green-api.com',
  `https://${HOST}\r\nHost: 127.0.0.1`,
  `https://${HOST}/\r\nHost: 127.0.0.1`,
  `https://${HOST}%0d%0aHost:%20127.0.0.1`,
  `https://${HOST}\t`,
  ` https://${HOST}`,
  `https://${HOST}:22`,
  `https://${HOST}:8443`,
  `https://${HOST}:0`,
  `https://${HOST}:65536`,
  `https://${HOST}:`.concat('٤٤٣'),
  `http://${HOST}`,
  `http://${HOST}:443`,
  `https:/${HOST}`,
  `https:${HOST}`,
  `//${HOST}`,
  HOST,
  `https://${HOST}/?next=http://127.0.0.1`,
  `https://${HOST}/#http://127.0.0.1`,
  `ftp://${HOST}`,
  'file:///etc/passwd',
  'gopher://127.0.0.1:6379/_INFO',
  'data:text/plain,hello',
  'javascript:alert(1)',
  '',
];

describe('an apiUrl', () => {
  const written = [
    ...OURS.flatMap((host) => [`https://${host}`, `http://${host}`, `https://${host}:PORT`, `http://${host}:PORT`]),
    ...DISGUISED,
  ];

  it.each(written)('%j is upstream_not_allowed', async (address) => {
    const apiUrl = address.replace('PORT', String(port));
    const { status, body, text } = await create(apiUrl);
    expect([status, body.code]).toEqual([403, 'upstream_not_allowed']);
    if (apiUrl !== '') expect(text).not.toContain(apiUrl);
    expect(connections).toBe(0);
  });

  it('that only has an extra path is refused with that reason, because it was pasted', async () => {
    const { body } = await create(`https://${HOST}/waInstance1101000001/getStateInstance/secretsecret`);
    expect(body).toMatchObject({ code: 'invalid_request' });
    expect(body.detail).toContain('the provider host alone');
    expect(body.detail).not.toContain('secretsecret');
    expect((await create('https://127.0.0.1/waInstance1101000001')).body.code).toBe('upstream_not_allowed');
  });

  it.each([`https://${HOST}`, `https://${HOST}/v3/`, `HTTPS://${HOST.toUpperCase()}:443`])('%s is accepted', async (apiUrl) => {
    expect((await create(apiUrl)).status).toBe(201);
  });

  it("a tenant's own list can only restrict the operator's", async () => {
    const tenant = await test.newTenant();
    await test.gateway.tenants.patch(tenant.id, { upstreamHosts: ['api.green-api.com', 'evil.example.com', `http://127.0.0.1:${port}`] });
    const answers: unknown[] = [];
    for (const apiUrl of ['https://api.green-api.com/v3/', `https://${HOST}`, 'https://evil.example.com', `http://127.0.0.1:${port}`]) {
      const { body, status } = await test.call('POST', '/v1/sessions', { secret: tenant.apiKey, body: { ...newInstance(), apiUrl } });
      answers.push(body.code ?? status);
    }
    expect(answers).toEqual([201, 'upstream_not_allowed', 'upstream_not_allowed', 'upstream_not_allowed']);
    expect(connections).toBe(0);
  });

  it('of this machine is reached if the operator names it (twin)', async () => {
    const named = await openTestGateway({ namespace: test.namespace, upstreamHosts: [`http://127.0.0.1:${port}`] });
    const { status, body } = await create(`http://127.0.0.1:${port}`, named);
    expect(status).toBe(201);
    await named.call('GET', `/v1/sessions/${body.session.id}`);
    await named.answer(body.session.id, { kind: 'passwordWanted' });
    await named.call('POST', `/v1/sessions/${body.session.id}/password`, { body: { password: 'hunter2' } });
    expect(connections).toBe(1);
    await named.close();
  });
});
