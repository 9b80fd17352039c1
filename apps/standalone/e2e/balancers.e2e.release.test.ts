/** Every configuration of `infra/proxies/README.md` serves many clients, and over both gateways. */

import { watchSession } from '@qrcast/client';
import { socketIo } from '@qrcast/client/socket-io';
import { createReleasers } from '@qrcast/runtime/releasers';
import { io } from 'socket.io-client';
import { afterAll, describe, expect, it } from 'vitest';
import { clientOptions, connectThrough, openGateways, type Stickiness, startBalancer } from '../test/balancers.ts';
import { isMissing } from '../test/find-program.ts';
import type { ProxyName } from '../test/proxies.ts';

const CLIENTS = 12;
const CASES: readonly (readonly [ProxyName, Stickiness])[] = [
  ['haproxy', 'query'],
  ['haproxy', 'address'],
  ['haproxy', 'header'],
  ['haproxy', 'none'],
  ['nginx', 'query'],
  ['nginx', 'address'],
  ['caddy', 'address'],
  ['caddy', 'header'],
];

const releasers = createReleasers();
afterAll(() => releasers.release());

describe.each(CASES)('%s by %s', (program, stickiness) => {
  it.skipIf(isMissing(program))('serves many clients over both gateways', async () => {
    const gateways = await openGateways(releasers);
    const url = await startBalancer(releasers, `${program} ${stickiness}`, gateways);
    const { ticket } = await gateways.first.create();
    const before = [...gateways.counts];
    for (let i = 0; i < CLIENTS; i++) await connectThrough(url, ticket, clientOptions(stickiness, i));
    for (const [i, count] of gateways.counts.entries()) expect(count).toBeGreaterThan(before[i] ?? 0);
  });
});

it.skipIf(isMissing('haproxy'))('HAProxy by query serves the SDK over Socket.IO, which says it by itself', async () => {
  const gateways = await openGateways(releasers);
  const url = await startBalancer(releasers, 'haproxy query', gateways);
  const { ticket } = await gateways.first.create();
  for (let i = 0; i < CLIENTS; i++) {
    const watch = watchSession({ url, ticket, transport: socketIo(io) });
    await new Promise((resolve) => watch.on('session', resolve));
    watch.close();
  }
  for (const count of gateways.counts) expect(count).toBeGreaterThan(0);
});
