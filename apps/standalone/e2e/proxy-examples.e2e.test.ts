/**
 * The examples of `infra/proxies`, as people copy them, before two gateways. A rolling restart behind
 * each is in proxy-examples.e2e.release.test.ts.
 */

import { execFile } from 'node:child_process';
import { createPrivateKey, randomInt, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { get as getPlainly } from 'node:http';
import { Agent, get as getByTls, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { ADMIN_KEY } from '@qrcast/gateway/test/gateway';
import { createReleasers } from '@qrcast/runtime/releasers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientOptions, connectThrough } from '../test/balancers.ts';
import { readTwoEvents } from '../test/compressing.ts';
import { type GatewayPair, openAudience, openGatewayPair } from '../test/example-gateways.ts';
import { isMissing } from '../test/find-program.ts';
import {
  type Change,
  EXAMPLES,
  type ExampleName,
  type RunningExample,
  replaced,
  startExample,
  touched,
  trustTestCertificate,
} from '../test/proxy-examples.ts';

const CLIENTS = 8;
/** To the admin API, and ways to write its address that a proxy could read in another way than the gateway. */
const AROUND = [
  '/v1/admin/tenants',
  '//v1/admin/tenants',
  '/v1//admin/tenants',
  '/v1/./admin/tenants',
  '/v1/x/../admin/tenants',
  '/v1/%61dmin/tenants',
  '/V1/admin/tenants',
  '/v1/admin%2ftenants',
] as const;
const CLIENT_ADDRESS = '127.0.9.1';

const releasers = createReleasers();
let pair: GatewayPair;
let below: GatewayPair;
beforeAll(async () => {
  trustTestCertificate();
  pair = await openGatewayPair(releasers);
  below = await openGatewayPair(releasers, { publicUrl: 'https://qrcast.example.com/qrcast' });
});
afterAll(() => releasers.release());

describe.each(EXAMPLES)('two gateways behind %s', (name) => {
  describe.skipIf(isMissing(name))('as the example has it', () => {
    let example: RunningExample;
    beforeAll(async () => {
      example = await startExample(releasers, name, { ports: pair.ports });
    });

    it('serve viewers over every transport, and all go on through a reload', async () => {
      const { viewers, show } = await openAudience(releasers, pair, example.url);
      await example.reload(touched);
      await show('BBBB');
      await show('CCCC');
      const lost = viewers.filter(({ heard }) => heard.some(({ kind }) => kind === 'lost')).map(({ transport }) => transport);
      if (name !== 'caddy') expect(lost).toEqual([]); // a reload of Caddy 2.6 cuts WebSockets
    });

    it('serve Socket.IO clients that poll, by their query, header or address', async () => {
      const { ticket } = await pair.first.create();
      for (let i = 0; i < CLIENTS; i++) {
        await connectThrough(example.url, ticket, clientOptions('query', i));
        await connectThrough(example.url, ticket, clientOptions('header', i));
        const agent = new Agent({ localAddress: `127.0.${i + 1}.1` }) as unknown as boolean; // typed for browsers
        await connectThrough(example.url, ticket, { agent });
      }
    });

    it('send each event at once, and compress JSON', async () => {
      expect(await readTwoEvents(pair.first, example.url, 'gzip')).not.toMatch(/^:/m);
      for (const path of ['/openapi.json', '/docs']) {
        const answer = await fetch(`${example.url}${path}`, { headers: { 'accept-encoding': 'gzip' } });
        expect([path, answer.status, answer.headers.get('content-encoding')]).toEqual([path, 200, 'gzip']);
        expect((await answer.text()).length).toBeGreaterThan(1_000);
      }
    });

    it('learn the address of a client, whatever it says', async () => {
      const { session } = await createFrom(CLIENT_ADDRESS, example.url);
      const { text: audit } = await pair.first.call('GET', `/v1/audit?sessionId=${session.id}&action=session.created`);
      expect(audit).toContain(`"address":"${CLIENT_ADDRESS}"`);
    });

    it('show the world neither the admin API nor their health, and nothing without TLS', async () => {
      for (const path of ['/v1/admin/tenants', '/readyz', '/healthz']) expect((await fetch(`${example.url}${path}`)).status).toBe(404);
      for (const path of AROUND) expect([path, await statusOf(example.url, path, ADMIN_KEY)]).not.toEqual([path, 200]);
      expect(await statusOf(pair.first.url, AROUND[0], ADMIN_KEY)).toBe(200);
      const plain = await fetch(`${example.plainUrl}/connect`, { redirect: 'manual' });
      expect([plain.status, plain.headers.get('location')]).toEqual([
        expect.toBeOneOf([301, 308]),
        expect.stringMatching(/^https:\/\/127\.0\.0\.1(:\d+)?\/connect$/),
      ]);
    });
  });

  it.skipIf(isMissing(name))('serve viewers over every transport below a path', async () => {
    const example = await startExample(releasers, name, { ports: below.ports, isBelowPath: true });
    const { show } = await openAudience(releasers, below, `${example.url}/qrcast`);
    await show('BBBB');
    for (const path of AROUND) {
      expect([path, await statusOf(example.url, path, ADMIN_KEY)]).not.toEqual([path, 200]);
      expect([path, await statusOf(example.url, `/qrcast${path}`, ADMIN_KEY)]).not.toEqual([path, 200]);
    }
  });

  it.skipIf(isMissing(name))('(twin) refuse Socket.IO clients that poll, if the example spreads all requests', async () => {
    const example = await startExample(releasers, name, { ports: pair.ports, change: SPREADING[name] });
    const { ticket } = await pair.first.create();
    const tries = await Promise.allSettled(
      Array.from({ length: CLIENTS }, (_, i) =>
        connectThrough(example.url, ticket, { ...clientOptions('query', i), transports: ['polling'] }),
      ),
    );
    expect(tries.map(({ status }) => status)).toContain('rejected');
  });
});

const SPREADING: Readonly<Record<ExampleName, Change>> = {
  nginx: (file) => replaced(file, [['~/socket\\.io/ $by_query', '~/socket\\.io/ $request_id']]),
  haproxy: (file) => replaced(file, [['uuid unless { path_sub /socket.io/ }', 'uuid']]),
  caddy: (file) => replaced(file, [['lb_policy header X-Qrcast-Affinity', 'lb_policy round_robin']]),
};

it('the certificate that README.md makes for a first try is one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-test-certificate-'));
  releasers.push('folder', () => rm(folder, { recursive: true }));
  const page = await readFile(new URL('../../../infra/proxies/README.md', import.meta.url), 'utf8');
  const [, command = ''] = /```sh\n(openssl .*?)```/s.exec(page) ?? [];
  await promisify(execFile)('sh', ['-ec', command], { cwd: folder });
  const both = await readFile(join(folder, 'qrcast.pem'));
  expect(new X509Certificate(both).checkHost('qrcast.example.com', { subject: 'always' })).toBe('qrcast.example.com');
  expect(new X509Certificate(both).checkPrivateKey(createPrivateKey(both))).toBe(true);
});

/** Creates a session, and claims to be somebody else. */
async function createFrom(localAddress: string, url: string): Promise<{ readonly session: { readonly id: string } }> {
  const headers = {
    authorization: `Bearer ${pair.first.tenant.apiKey}`,
    'content-type': 'application/json',
    'x-forwarded-for': '203.0.113.7',
  };
  const call = request(`${url}/v1/sessions`, { method: 'POST', headers, localAddress, agent: false });
  call.end(JSON.stringify({ instanceId: String(randomInt(10 ** 9, 10 ** 10)), apiToken: 'a'.repeat(50) }));
  const [answer] = await once(call, 'response');
  expect(answer.statusCode).toBe(201);
  return JSON.parse(await text(answer)) as { session: { id: string } };
}

/** The path is sent as it is. */
async function statusOf(url: string, path: string, secret: string): Promise<number> {
  const { protocol, hostname, port } = new URL(url);
  const get = protocol === 'https:' ? getByTls : getPlainly;
  const [answer] = await once(get({ hostname, port, path, agent: false, headers: { authorization: `Bearer ${secret}` } }), 'response');
  answer.resume();
  return answer.statusCode;
}
