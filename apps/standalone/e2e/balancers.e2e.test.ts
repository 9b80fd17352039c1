/**
 * Two gateways behind HAProxy, and Socket.IO clients of another origin that begin with polling. The
 * release suite has all balancers.
 */

import { createReleasers } from '@qrcast/runtime/releasers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientOptions, connectThrough, type Gateways, openGateways, startBalancer, startCookieBalancer } from '../test/balancers.ts';
import { isMissing } from '../test/find-program.ts';

const releasers = createReleasers();
let gateways: Gateways;
afterAll(() => releasers.release());

describe.skipIf(isMissing('haproxy'))('two gateways behind HAProxy', () => {
  beforeAll(async () => {
    gateways = await openGateways(releasers);
  });

  it('refuse a client that polls if the balancer routes by a cookie', async () => {
    const url = await startCookieBalancer(releasers, gateways);
    const { ticket } = await gateways.first.create();
    for (let tries = 0; tries < 3; tries++) await expect(connectThrough(url, ticket, {})).rejects.toThrow();
  });

  it('serve clients that poll if the balancer routes by the query', async () => {
    const url = await startBalancer(releasers, 'haproxy query', gateways);
    const { ticket } = await gateways.first.create();
    for (let i = 0; i < 8; i++) await connectThrough(url, ticket, clientOptions('query', i));
  });
});
