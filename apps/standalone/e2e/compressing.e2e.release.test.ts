/**
 * Every compressing proxy, with every encoding that a client may request, before each stream over
 * HTTP.
 */

import { openTestGateway, type TestGateway } from '@qrcast/gateway/test/gateway';
import { createReleasers } from '@qrcast/runtime/releasers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMPRESSING, countLongPolls, readTwoEvents } from '../test/compressing.ts';
import { isMissing } from '../test/find-program.ts';

const releasers = createReleasers();
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openTestGateway();
  releasers.push('gateway', () => gateway.close());
});
afterAll(() => releasers.release());

describe.concurrent.each(COMPRESSING)('$name', ({ program, start }) => {
  describe.skipIf(program !== null && isMissing(program))('before a gateway', () => {
    let url: string;
    beforeAll(async () => {
      url = await start(releasers, gateway.gateway.port);
    });

    it.each(['gzip', 'br', 'zstd', 'gzip, deflate, br, zstd', 'identity'])('holds a stock long-poller that takes %s', async (encoding) => {
      expect(await countLongPolls(gateway, url, encoding)).toBe(2);
    });

    it.each(['gzip', 'br', 'zstd', 'gzip, deflate, br, zstd', 'identity'])(
      'passes each event on at once to who takes %s',
      async (encoding) => {
        expect(await readTwoEvents(gateway, url, encoding)).not.toMatch(/^:/m);
      },
    );
  });
});
