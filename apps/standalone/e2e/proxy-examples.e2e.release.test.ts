/**
 * A rolling restart behind each example of `infra/proxies`: two gateways stop one after the other and
 * come back at their addresses, and the proxy is reloaded, while people log in. Each viewer, over
 * every transport, learns of each login. And what a browser makes of each example.
 */

import { freePort } from '@qrcast/runtime/redis/free-port';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import type { Instance } from '@qrcast/simulator/instance';
import { afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { openBrowser } from '../test/browser.ts';
import { wrongEnds, wrongStates } from '../test/deploy-checks.ts';
import { EVERY_TRANSPORT } from '../test/example-gateways.ts';
import { isMissing } from '../test/find-program.ts';
import { untilEach, untilNewCode } from '../test/offered-login.ts';
import { openPage, untilState } from '../test/page.ts';
import {
  EXAMPLES,
  type ExampleName,
  type RunningExample,
  replaced,
  startExample,
  touched,
  trustTestCertificate,
} from '../test/proxy-examples.ts';
import { openRecordingClient, type RecordingClient } from '../test/recording-client.ts';
import type { Heard } from '../test/recording-connections.ts';
import { openRollingStage, type RollingStage, type RunningGateway, stopped } from '../test/rolling-stage.ts';

const INTERVAL_MS = 2_000;
const DRAIN_MS = 4_000;
const ENV = {
  QRCAST_POLL_INTERVAL_MS: String(INTERVAL_MS),
  QRCAST_DRAIN_MS: String(DRAIN_MS),
  QRCAST_TRUSTED_PROXIES: '127.0.0.1',
};
const LOGINS_EACH = 3;

interface Login {
  readonly instance: Instance;
  readonly viewers: readonly RecordingClient[];
}

beforeAll(trustTestCertificate);
let releasers: Releasers;
let stage: RollingStage;
beforeEach(async () => {
  releasers = createReleasers();
  stage = await openRollingStage(inject('redisUrl'), ENV, releasers);
});
afterEach(() => releasers.release());

describe.each(EXAMPLES)('a rolling restart behind %s', (name) => {
  it.skipIf(isMissing(name))('loses no viewer and no login', async () => {
    const logins = await roll(name, true);
    // They were sent elsewhere, and none had to notice a lost connection, but for two kinds: a reload of
    // Caddy cuts all, and a client that polls finds its gateway taken out.
    const told = viewersOf(logins).filter(({ transport }) => name !== 'caddy' && transport !== 'socketio-polling');
    for (const { transport, heard } of told) expect([transport, wrongEnds(withoutRefused(heard))]).toEqual([transport, []]);
  });
});

it.skipIf(isMissing('nginx'))('a rolling restart behind nginx that nobody told of it loses no login, either', async () => {
  await roll('nginx', false);
});

it.each(EXAMPLES.filter((name) => !isMissing(name)))(
  'a browser gets the page, its code and its login through %s, over HTTP/2',
  async (name) => {
    const browser = await openBrowser();
    releasers.push('browser', () => browser.close());
    const gateway = await stage.startGateway();
    stage.ports.add(gateway.port);
    await stage.startWorker();
    const { url } = await startExample(releasers, name, { ports: [gateway.port] });
    const instance = stage.newInstance();
    const ticket = await stage.createSession(instance);
    const { page, faults } = await openPage(browser, { allowed: [url], ignoreHTTPSErrors: true });
    await page.goto(`${url}/connect#${ticket}`);
    await untilState(page, 'showing');
    const protocol = await page.evaluate(`performance.getEntriesByType('navigation')[0].nextHopProtocol`);
    instance.scan();
    await untilState(page, 'connected');
    expect([protocol, faults]).toEqual(['h2', []]);
  },
);

/** @param isTold whether the operator reloads the proxy for it, as README.md says */
async function roll(name: ExampleName, isTold: boolean): Promise<readonly Login[]> {
  const ports = [await freePort(), await freePort()] as const;
  const gateways = await Promise.all(ports.map((port) => stage.startGateway(port)));
  for (const port of ports) stage.ports.add(port);
  await stage.startWorker();
  const example = await startExample(releasers, name, { ports });
  const offer = (count: number): Promise<Login[]> => Promise.all(Array.from({ length: count }, () => offerLogin(example.url)));
  const lasting = await offer(LOGINS_EACH);
  const logins = [...lasting];
  for (const gateway of gateways) {
    const [whileStopping, after] = [await offer(LOGINS_EACH), await offer(LOGINS_EACH)];
    logins.push(...whileStopping, ...after);
    await replace(gateway, isTold ? example : null, name, async () => scan(whileStopping));
    await untilNewCode([...lasting, ...after]);
    scan(after);
    await untilEach([...whileStopping, ...after], isConnected);
  }
  scan(lasting);
  await untilEach(lasting, isConnected);
  for (const { transport, sessions } of viewersOf(logins)) expect([transport, wrongStates(sessions())]).toEqual([transport, []]);
  return logins;
}

/** Leaves out tries that a gateway refused which drained before the proxy knew it. */
function withoutRefused(heard: readonly Heard[]): readonly Heard[] {
  const ends = heard.flatMap(({ kind }, i) => (kind === 'lost' ? [i + 1] : []));
  const tries = [...ends, heard.length].map((end, i) => heard.slice(ends[i - 1] ?? 0, end));
  const isRefused = (one: Heard): boolean => one.kind === 'closing' && one.code === 'unavailable';
  return tries.filter((one) => one.some(({ kind }) => kind === 'opened') && !one.some(isRefused)).flat();
}

const isConnected = ({ state }: { readonly state: string }): boolean => state === 'connected';
const viewersOf = (logins: readonly Login[]): readonly RecordingClient[] => logins.flatMap(({ viewers }) => viewers);
const scan = (logins: readonly Login[]): void => logins.forEach(({ instance }) => void instance.scan());

async function offerLogin(url: string): Promise<Login> {
  const instance = stage.newInstance();
  const ticket = await stage.createSession(instance);
  const viewers = EVERY_TRANSPORT.map((transport) => openRecordingClient({ transport, ticket, urls: [url] }));
  for (const viewer of viewers) releasers.push('viewer', () => viewer.close());
  await untilEach([{ viewers }], ({ state }) => state === 'showing');
  return { instance, viewers };
}

/** Stops it, and starts another one at its address. */
async function replace(
  gateway: RunningGateway,
  example: RunningExample | null,
  name: ExampleName,
  whileStopping: () => Promise<void>,
): Promise<void> {
  const { port } = gateway;
  const server = `127.0.0.1:${port}`;
  await example?.reload(name === 'nginx' ? (text) => replaced(text, [[`${server} max_fails`, `${server} down max_fails`]]) : touched);
  stage.ports.delete(port);
  const status = stopped(gateway);
  await gateway.until(/stopping; a second signal stops at once/);
  await whileStopping();
  expect(await status, gateway.output().slice(-3_000)).toBe(0);
  await stage.startGateway(port);
  stage.ports.add(port);
  await example?.reload();
}
