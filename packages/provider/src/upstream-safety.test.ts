/**
 * A name on the allow-list that leads into our own network is refused where the connection is made.
 * The trap shows whether there was a connection.
 */

import type { LookupAddress, lookup } from 'node:dns';
import { afterEach, expect, test } from 'vitest';
import { openRawUpstream, TOKEN, type Upstream } from '../test/upstream.ts';
import { openProvider, type ProviderOptions } from './provider.ts';

const NAME = '1101.api.green-api.com';
const opened: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const resource of opened.splice(0).reverse()) await resource.close();
});

interface Rig {
  /** The server that must not be reached. */
  readonly trap: Upstream;
  /** Names that were resolved, in order. */
  readonly asked: readonly string[];
  /** Makes a poll and sends a password for an instance at this host and the trap's port. */
  ask(host?: string): Promise<unknown[]>;
}

/** The resolver returns the next answer to each lookup, and repeats the last one. */
async function openRig(answers: readonly string[][], options: ProviderOptions = {}): Promise<Rig> {
  const trap = await openRawUpstream((socket) => socket.destroy());
  const asked: string[] = [];
  const resolve = ((hostname: string, _options: object, callback: (error: null, found: LookupAddress[]) => void) => {
    const found = answers[Math.min(asked.push(hostname), answers.length) - 1] ?? [];
    callback(
      null,
      found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  }) as typeof lookup;
  const provider = openProvider({ resolve, ...options });
  opened.push(trap, provider);
  const { port } = new URL(trap.credentials.apiUrl);
  return {
    trap,
    asked,
    async ask(host = NAME) {
      const credentials = { instanceId: '1101000001', apiToken: TOKEN, apiUrl: `https://${host}:${port}` };
      return [await provider.poll(credentials, 'qr'), await provider.sendPassword(credentials, 'hunter2')];
    },
  };
}

const REFUSED = [
  { kind: 'trouble', code: 'provider_refused' },
  { kind: 'trouble', code: 'provider_refused' },
];

test.each([
  ['127.0.0.1'],
  ['127.0.0.1', '10.0.0.7', '169.254.169.254'],
  ['0.0.0.0'],
  ['::1'],
  ['::'],
  ['::ffff:127.0.0.1'],
  ['::ffff:7f00:1'],
  ['fd00:ec2::254'],
  ['64:ff9b::7f00:1'],
])('%s is not connected to', async (...addresses) => {
  const { ask, trap, asked } = await openRig([addresses]);
  expect(await ask()).toEqual(REFUSED);
  expect(asked).toEqual([NAME, NAME]);
  expect(trap.sockets).toHaveLength(0);
});

test('the same name can be reached if the operator says that it is private', async () => {
  const { ask, trap } = await openRig([['127.0.0.1']], { privateHosts: [NAME] });
  expect(await ask()).toMatchObject([{ code: 'provider_unreachable' }, { code: 'provider_unreachable' }]); // it speaks no TLS
  expect(trap.sockets).toHaveLength(2);
});

test('the checked address is the connected one: there is no second lookup that could have another result', async () => {
  const { ask, asked, trap } = await openRig([['127.0.0.1'], ['127.0.0.1'], ['10.0.0.7']], { privateHosts: [NAME] });
  await ask();
  expect([asked.length, trap.sockets.length]).toEqual([2, 2]); // one for each connection
});

test('a literal address is not looked up: it is reached, so it must be on the allow-list itself', async () => {
  const { ask, asked, trap } = await openRig([[]]);
  await ask('127.0.0.1');
  expect(asked).toEqual([]);
  expect(trap.sockets).toHaveLength(2);
});
