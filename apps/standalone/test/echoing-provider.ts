/**
 * For tests: a provider that repeats the token and the password in every part of an answer that can
 * hold text.
 */

import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';

interface Echo {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface EchoingProvider {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Each QR request gets the next of these answers, and then always the last. There are few, because
 * the worker waits longer after each fault.
 */
const ANSWERS: readonly ((said: string) => Echo)[] = [
  (said) => ({
    status: 302,
    headers: { location: `http://127.0.0.1:9${said}`, 'set-cookie': `token=${encodeURIComponent(said)}` },
    body: `<h1>${said}</h1>`,
  }),
  (said) => ({ status: 200, body: { type: 'error', message: said } }),
  (said) => ({ status: 200, body: { type: 'pendingPassword', message: said } }),
];

export async function openEchoingProvider(): Promise<EchoingProvider> {
  let asked = 0;
  async function answer(request: IncomingMessage): Promise<Echo> {
    const said = `${request.url} ${await textOf(request)}`;
    if (request.url?.includes('/sendAuthorizationPassword/'))
      return { status: 200, body: { status: true, data: { status: 'fail', reason: said } } };
    if (request.url?.includes('/getSettings/'))
      return { status: 200, body: { stateWebhook: 'no', webhookUrl: `http://127.0.0.1:9${request.url}`, webhookUrlToken: said } };
    if (request.url?.includes('/setSettings/')) return { status: 200, body: { saveSettings: false, message: said } };
    const isWaiting = asked >= ANSWERS.length;
    if (!request.url?.includes('/qr/'))
      return { status: 200, body: { stateInstance: isWaiting ? 'pendingPassword' : 'notAuthorized', message: said } };
    const next = ANSWERS[Math.min(asked++, ANSWERS.length - 1)];
    return next === undefined ? { status: 500, body: said } : next(request.url);
  }
  const server = createServer(async (request, response) => {
    const { status, headers = {}, body } = await answer(request);
    response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
