/** For tests: a gateway below a path of another host, behind a real nginx. */

import { parsePublicUrl } from '@qrcast/core/public-url';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import { openTestProxy } from '@qrcast/runtime/test/proxy';
import type { Instance } from '@qrcast/simulator/instance';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, inject } from 'vitest';
import { openBrowser } from './browser.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { startNginx } from './proxies.ts';

const FORWARD = `
  proxy_http_version 1.1;
  proxy_set_header Host $host;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $connection_upgrade;
  proxy_read_timeout 300s;`;
const UPGRADE = 'map $http_upgrade $connection_upgrade { default upgrade; "" ""; }';

export interface Place {
  readonly name: string;
  /** The path as the operator writes it. */
  readonly path: string;
  /** The path as it appears in addresses. */
  readonly prefix: string;
  /** The configuration of nginx. */
  readonly location: string;
  /** What nginx replaces the path with. If empty, nginx leaves it. */
  readonly uri: '/' | '';
  /** Whether `location` has no slash at its end, so that two slashes remain. */
  readonly leavesTwoSlashes?: boolean;
}

function publicUrlOf(text: string): string {
  const parsed = parsePublicUrl(text);
  if (parsed.kind === 'fault') throw new Error(parsed.fault);
  return parsed.url;
}

export interface Below {
  readonly browser: Browser;
  readonly cluster: Cluster;
  readonly place: Place;
  readonly origin: string;
  /** The public address, without a slash at the end. */
  readonly url: string;
}

/** Opens everything before the tests of a suite. @returns what is open; call it only within a test */
export function prepareBelow(place: Place): () => Below {
  const releasers = createReleasers();
  let below: Below | null = null;
  beforeAll(async () => {
    below = await openBelow(releasers, place);
  });
  afterAll(() => releasers.release());
  return () => {
    if (below === null) throw new Error('the gateway below a path is open only while tests run; call this within a test');
    return below;
  };
}

async function openBelow(releasers: Releasers, place: Place): Promise<Below> {
  let port = 0;
  const browser = await openBrowser();
  releasers.push('browser', () => browser.close());
  const line = await openTestProxy(() => port); // nginx gets its port before the gateway is started with it
  releasers.push('line', () => line.close());
  const { url: origin } = await startNginx(
    releasers,
    `location ${place.location} { proxy_pass http://127.0.0.1:${line.port}${place.uri}; ${FORWARD} }`,
    UPGRADE,
  );
  const cluster = await openCluster({
    redisUrl: inject('redisUrl'),
    publicUrl: publicUrlOf(`${origin}${place.path}`),
    simulator: { rotateMs: 3_600_000 },
    hasConsole: true,
  });
  releasers.push('cluster', () => cluster.close());
  port = cluster.gateways[0]?.port ?? 0;
  return { browser, cluster, place, origin, url: `${origin}${place.prefix}` };
}

export function call({ cluster }: Below, at: string, init: RequestInit = {}, secret = cluster.apiKey): Promise<Response> {
  return fetch(at, { ...init, headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json', ...init.headers } });
}

export interface Created {
  readonly instance: Instance;
  readonly response: Response;
  readonly session: { readonly id: string };
  readonly ticket: string;
  readonly pageUrl: string;
}

export async function createSession(below: Below, apiKey = below.cluster.apiKey): Promise<Created> {
  const { cluster, url } = below;
  const instance = cluster.newInstance();
  const body = JSON.stringify({ instanceId: instance.idInstance, apiToken: instance.apiToken, apiUrl: cluster.simulator.url });
  const response = await call(below, `${url}/v1/sessions`, { method: 'POST', body }, apiKey);
  const created = (await response.json()) as Pick<Created, 'session' | 'ticket' | 'pageUrl'>;
  return { instance, response, ...created };
}
