/** A gateway behind a proxy that compresses answers. The release suite has all such proxies. */

import { openTestGateway, type TestGateway } from '@qrcast/gateway/test/gateway';
import { createReleasers } from '@qrcast/runtime/releasers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { APACHE, countLongPolls, EXPRESS, readTwoEvents } from '../test/compressing.ts';
import { isMissing } from '../test/find-program.ts';

const releasers = createReleasers();
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openTestGateway();
  releasers.push('gateway', () => gateway.close());
});
afterAll(() => releasers.release());

describe.concurrent('behind a proxy that compresses answers', () => {
  it.skipIf(isMissing('apache2'))('a stock long-poller is held, though Apache with mod_deflate rewrites the ETag', async () => {
    const url = await APACHE.start(releasers, gateway.gateway.port);
    expect(await countLongPolls(gateway, url, 'gzip')).toBe(2);
  });

  it('each event arrives before the next comment through express with compression()', async () => {
    const url = await EXPRESS.start(releasers, gateway.gateway.port);
    expect(await readTwoEvents(gateway, url, 'gzip')).not.toMatch(/^:/m);
  });
});
