/**
 * The examples with a page. Each is started as its README says and opened in a browser, and a phone
 * completes its login.
 */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Instance } from '@qrcast/simulator/instance';
import { openBrowser } from '@qrcast/standalone/test/browser';
import { type Cluster, openCluster } from '@qrcast/standalone/test/cluster';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { type OpenPage, openPage } from './test-page.ts';
import { EXAMPLES, startProgram } from './test-program.ts';

const ADDRESS = /http:\/\/127\.0\.0\.1:\d+/;
const VITE = join(EXAMPLES, 'node_modules/.bin/vite');

let browser: Browser;
let cluster: Cluster;
const open: { close(): Promise<unknown> }[] = [];

beforeAll(async () => {
  [browser, cluster] = await Promise.all([openBrowser(), openSteadyCluster()]);
});
afterAll(async () => {
  await browser.close();
  await cluster.close();
});
afterEach(async () => {
  for (const opened of open.splice(0).reverse()) await opened.close();
});

/** Its codes do not change while a test compares them. */
const openSteadyCluster = (): Promise<Cluster> => openCluster({ redisUrl: inject('redisUrl'), simulator: { rotateMs: 3_600_000 } });

/** Starts a program that prints its address. It ends with the test. */
async function serve(command: string, args: readonly string[], settings: Record<string, string>): Promise<string> {
  const program = startProgram(command, args, settings);
  open.push({ close: program.stop });
  return ADDRESS.exec(await program.until('http://127.0.0.1:'))?.[0] ?? '';
}

const startBackend = (file: string, instance: Instance): Promise<string> =>
  serve(process.execPath, [file], {
    PORT: '0',
    QRCAST_URL: cluster.gateways[0]?.publicUrl ?? '',
    QRCAST_API_KEY: cluster.apiKey,
    GREEN_API_ID_INSTANCE: instance.idInstance,
    GREEN_API_TOKEN: instance.apiToken,
    GREEN_API_URL: cluster.simulator.url,
  });

const startReact = (backend: string): Promise<string> => serve(VITE, ['react', '--port', '0'], { BACKEND_URL: backend });

async function show(url: string): Promise<OpenPage> {
  const opened = await openPage(browser, url);
  open.push(opened);
  return opened;
}

async function expectNoSecret({ seen }: OpenPage, instance: Instance): Promise<void> {
  const text = await seen();
  for (const secret of [cluster.apiKey, instance.apiToken]) expect(text).not.toContain(secret);
}

describe('the html example', () => {
  /** The page with the address of this gateway, as its user would edit it. */
  async function serveHtml(): Promise<string> {
    const source = await readFile(join(EXAMPLES, 'html/index.html'), 'utf8');
    const page = source.replace('http://127.0.0.1:3000', cluster.gateways[0]?.publicUrl ?? '');
    const server = createServer((_request, response) => response.setHeader('content-type', 'text/html').end(page));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.push({ close: async () => server.close() });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`; // it listens on TCP
  }

  it('shows the code of the ticket in its fragment, removes the ticket from the address, and shows the login', async () => {
    const instance = cluster.newInstance();
    const { ticket } = await cluster.create(instance);
    const shown = await show(`${await serveHtml()}#${ticket}`);
    expect(await shown.scan()).toBe(instance.code());
    instance.scan();
    await shown.page.getByText('Linked. Your backend can go on').waitFor();
    await expectNoSecret(shown, instance);
    expect(await shown.seen()).not.toContain(ticket);
  });

  it('accepts a typed ticket after one that does not work', async () => {
    const instance = cluster.newInstance();
    const { ticket } = await cluster.create(instance);
    const shown = await show(`${await serveHtml()}#not-a-ticket`);
    await shown.page.getByText('Ask your backend for a new ticket: unauthenticated.').waitFor();
    await shown.page.getByLabel('Ticket').fill(ticket);
    await shown.page.getByText('Show the code').click();
    expect(await shown.scan()).toBe(instance.code());
  });
});

describe.each(['express', 'fastify'])('the %s example', (name) => {
  it('shows its user a code, and says that the account is linked once the gateway reports it', async () => {
    const instance = cluster.newInstance();
    const shown = await show(await startBackend(`${name}/server.ts`, instance));
    await shown.page.getByText('Link my MAX account').click();
    expect(await shown.scan()).toBe(instance.code());
    const renewed = await shown.page.evaluate('document.querySelector("qrcast-login").renewTicket()');
    const own = await fetch(`${cluster.gateways[0]?.publicUrl}/v1/sessions/self`, { headers: { authorization: `Bearer ${renewed}` } });
    expect(await own.json()).toMatchObject({ session: { instanceId: instance.idInstance, state: 'showing' } });
    instance.scan();
    await shown.page.getByText('Linked.', { exact: true }).waitFor();
    await expectNoSecret(shown, instance);
  });

  it('tells its user when to try again, and gives the reason only in its own log', async () => {
    const settings = { PORT: '0', QRCAST_API_KEY: 'qk_wrong', GREEN_API_ID_INSTANCE: '1101000001', GREEN_API_TOKEN: 'a-secret-token' };
    const refused = startProgram(process.execPath, [`${name}/server.ts`], {
      ...settings,
      QRCAST_URL: cluster.gateways[0]?.publicUrl ?? '',
    });
    open.push({ close: refused.stop });
    const address = ADDRESS.exec(await refused.until('http://'))?.[0];
    const answer = await fetch(`${address}/login-code`, { method: 'POST' });
    expect([answer.status, await answer.json()]).toEqual([502, { message: 'This does not work at the moment.' }]);
    expect(await refused.until('the API key is not known')).not.toContain('a-secret-token');

    const alone = await serve(process.execPath, [`${name}/server.ts`], { ...settings, QRCAST_URL: 'http://127.0.0.1:9' });
    const later = await fetch(`${alone}/login-code`, { method: 'POST' });
    expect([later.status, later.headers.get('retry-after')]).toEqual([503, '5']);
  });
});

describe('the react example', () => {
  it('shows the code with its time, accepts the password, and says that the account is linked', async () => {
    const instance = cluster.newInstance();
    const shown = await show(await startReact(await startBackend('express/server.ts', instance)));
    await shown.page.getByText('Link my MAX account').click();
    expect(await shown.scan()).toBe(instance.code());
    await shown.page.getByText(/^Valid for (1[0-2]\d|\d\d?) s$/).waitFor(); // `codeTtlMs` at most
    instance.scanWithPassword('correct horse');
    const password = shown.page.getByLabel("Your account's cloud password");
    await password.fill('wrong');
    await password.press('Enter');
    await shown.page.locator('[role=alert]:not(:empty)').waitFor();
    expect(await password.inputValue()).toBe('');
    await password.fill('correct horse');
    await password.press('Enter');
    await shown.page.getByText('Your account is linked.').waitFor();
    await expectNoSecret(shown, instance);
  });

  it('offers a new code when the time is over', async () => {
    const instance = cluster.newInstance();
    const shown = await show(await startReact(await startBackend('express/server.ts', instance)));
    await shown.page.getByText('Link my MAX account').click();
    expect(await shown.scan()).toBe(instance.code());
    const { sessions } = (await (await cluster.call('GET', '/v1/sessions')).json()) as { sessions: { id: string; instanceId: string }[] };
    await cluster.passDeadline(sessions.find(({ instanceId }) => instanceId === instance.idInstance)?.id ?? '');
    await shown.page.getByText('Not linked: deadline.').waitFor();
    await shown.page.getByText('New code').click();
    expect(await shown.scan()).toBe(instance.code());
  });
});
