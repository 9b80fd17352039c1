/**
 * For tests: proxies that compress the answers of a gateway, and the two streams that this can
 * break.
 */

import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestGateway } from '@qrcast/gateway/test/gateway';
import type { Releasers } from '@qrcast/runtime/releasers';
import compression from 'compression';
import express from 'express';
import { expect } from 'vitest';
import { type ProxyName, startApache, startCaddy, startHaproxy, startNginx } from './proxies.ts';

export interface Compressing {
  readonly name: string;
  /** The program that must be installed for it. */
  readonly program: ProxyName | null;
  /** Starts it before the gateway on this port. Resolves to its URL. */
  start(releasers: Releasers, port: number): Promise<string>;
}

const APACHE_TYPES = 'application/json text/event-stream';

export const EXPRESS: Compressing = {
  name: 'express with compression()',
  program: null,
  async start(releasers, port) {
    const app = express();
    app.use(compression({ threshold: 0 }));
    app.use((incoming, outgoing) => {
      const { method, url: path, headers } = incoming;
      const passed = request({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      passed.on('error', () => outgoing.destroy());
      outgoing.on('close', () => passed.destroy());
      incoming.pipe(passed);
    });
    const server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    releasers.push('express', async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on TCP
  },
};

export const APACHE: Compressing = {
  name: 'Apache with mod_deflate',
  program: 'apache2',
  start: async (releasers, port) =>
    (await startApache(releasers, `AddOutputFilterByType DEFLATE ${APACHE_TYPES}\nProxyPass / http://127.0.0.1:${port}/`)).url,
};

/** As the packages configure them, with compression on for both types. */
export const COMPRESSING: readonly Compressing[] = [
  EXPRESS,
  APACHE,
  {
    name: 'Apache with mod_brotli',
    program: 'apache2',
    start: async (releasers, port) =>
      (await startApache(releasers, `AddOutputFilterByType BROTLI_COMPRESS ${APACHE_TYPES}\nProxyPass / http://127.0.0.1:${port}/`)).url,
  },
  {
    name: 'nginx with gzip and buffering on',
    program: 'nginx',
    start: async (releasers, port) =>
      (
        await startNginx(
          releasers,
          `gzip on; gzip_proxied any; gzip_min_length 1; gzip_types ${APACHE_TYPES}; gzip_http_version 1.0;
           location / { proxy_pass http://127.0.0.1:${port}; proxy_buffering on; proxy_http_version 1.1; }`,
        )
      ).url,
  },
  {
    name: 'Caddy with encode gzip zstd',
    program: 'caddy',
    start: async (releasers, port) => (await startCaddy(releasers, `encode gzip zstd\n reverse_proxy 127.0.0.1:${port}`)).url,
  },
  {
    name: 'HAProxy with filter compression',
    program: 'haproxy',
    start: async (releasers, port) =>
      (
        await startHaproxy(
          releasers,
          `  filter compression\n  compression algo gzip\n  compression type ${APACHE_TYPES}\n  default_backend gateway
backend gateway\n  server one 127.0.0.1:${port}`,
        )
      ).url,
  },
];

/**
 * @returns how many requests a stock long-poller needs to see one change, however the proxy changes
 * the ETags
 */
export async function countLongPolls(gateway: TestGateway, url: string, encoding: string): Promise<number> {
  const { session, ticket } = await gateway.create();
  async function pollOn(): Promise<number> {
    let tag: string | null = null;
    for (let count = 1; ; count++) {
      const headers = { authorization: `Bearer ${ticket}`, 'accept-encoding': encoding, ...(tag === null ? {} : { 'if-none-match': tag }) };
      const answer: Response = await fetch(`${url}/v1/sessions/self?wait=30`, { headers });
      const text = await answer.text();
      if (text.includes('"state":"showing"')) return count;
      expect([200, 304], text).toContain(answer.status);
      tag = answer.headers.get('etag');
    }
  }
  const polls = pollOn();
  const viewers = async () => (await gateway.call('GET', `/v1/sessions/${session.id}?visible=false`)).body.session.viewers;
  while ((await viewers()) < 1);
  await gateway.showCode(session.id, 'AAAA');
  return polls;
}

/**
 * @returns what a viewer has read of an event stream once the second state arrives. It is sent only
 * after the first was read.
 */
export async function readTwoEvents(gateway: TestGateway, url: string, encoding: string): Promise<string> {
  const { session, ticket } = await gateway.create();
  const gone = new AbortController();
  const headers = { authorization: `Bearer ${ticket}`, 'accept-encoding': encoding };
  const answer = await fetch(`${url}/v1/sessions/self/events`, { headers, signal: gone.signal });
  let text = '';
  for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const wasWaiting = text.includes('"state":"waiting"');
    text += chunk;
    if (!wasWaiting && text.includes('"state":"waiting"')) await gateway.showCode(session.id, 'AAAA');
    if (text.includes('"state":"showing"')) break;
  }
  gone.abort();
  return text;
}
