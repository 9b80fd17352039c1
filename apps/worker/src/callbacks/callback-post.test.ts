import type { LookupAddress, lookup } from 'node:dns';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { createPublicLookup } from '@qrcast/provider/public-lookup';
import { HANG, openTestReceiver } from '@qrcast/runtime/test/receiver';
import { afterEach, describe, expect, it } from 'vitest';
import { newCallbackSecret } from '../../test/callbacks.ts';
import { openTestNameServer } from '../../test/name-server.ts';
import { openCallbackPost } from './callback-post.ts';

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

const message = (url: string) => ({ url, id: 'evt_1', payload: '{}', secrets: [newCallbackSecret()] });

/** Closes every connection, and counts them. */
async function openTrap(): Promise<{ port: number; connections: () => number }> {
  let count = 0;
  const server: Server = createServer((socket) => {
    count++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({ close: () => new Promise((resolve) => server.close(resolve)) });
  return { port: (server.address() as AddressInfo).port, connections: () => count }; // it listens on TCP
}

/** A resolver that gives the next answer to each question. */
function answering(...answers: string[]) {
  const asked: string[] = [];
  const resolve = ((hostname: string, _options: object, callback: (error: null, found: LookupAddress[]) => void) => {
    asked.push(hostname);
    callback(null, [{ address: answers.shift() ?? '127.0.0.1', family: 4 }]);
  }) as typeof lookup;
  return { asked, resolve };
}

describe('a public name that leads into our own network', () => {
  it('is never connected to, even if it leads there only later, unless the operator named it (twin)', async () => {
    const trap = await openTrap();
    const url = `https://hooks.example.com:${trap.port}/`;
    for (const [hosts, reply, connections] of [
      [['*'], { error: 'address_not_allowed' }, 0],
      [['*.example.com'], { error: 'address_not_allowed' }, 0],
      [[`hooks.example.com:${trap.port}`], { error: 'unreachable', cause: 'reset' }, 2],
    ] as const) {
      const dns = answering('127.0.0.1', '127.0.0.1');
      const named = hosts[0].startsWith('hooks') ? ['hooks.example.com'] : [];
      const post = openCallbackPost({ callbackHosts: hosts, lookup: createPublicLookup(named, dns.resolve) });
      open.push(post);
      const allowed = hosts[0] === '*.example.com' ? url.replace(`:${trap.port}`, '') : url; // a wildcard has no port
      for (let i = 0; i < 2; i++) expect(await post.send(message(allowed), Date.now())).toEqual(reply);
      expect(dns.asked).toEqual(['hooks.example.com', 'hooks.example.com']); // each connection resolves and judges the name
      expect(trap.connections()).toBe(connections);
    }
  });

  it.each(['10.0.0.7', '169.254.169.254', '100.64.0.1', '0.0.0.0'])('%s', async (address) => {
    const post = openCallbackPost({ callbackHosts: ['*'], lookup: createPublicLookup([], answering(address).resolve) });
    open.push(post);
    expect(await post.send(message('https://hooks.example.com/'), Date.now())).toEqual({ error: 'address_not_allowed' });
  });
});

describe("the tenant's own name server", () => {
  it('cannot lead to a private address', async () => {
    const names = await openTestNameServer(() => ['10.0.0.7']);
    open.push(names);
    const post = openCallbackPost({ callbackHosts: ['*'], nameServers: [names.address] });
    open.push(post);
    expect(await post.send(message('https://hooks.example.com/'), Date.now())).toEqual({ error: 'address_not_allowed' });
  });

  it('that never answers is given up before a connection would time out', async () => {
    const names = await openTestNameServer(() => null);
    open.push(names);
    const post = openCallbackPost({ callbackHosts: ['*'], nameServers: [names.address] });
    open.push(post);
    expect(await post.send(message('https://hooks.example.com/'), Date.now())).toEqual({ error: 'timeout', cause: 'dns' });
    expect(names.questions()).toBeLessThanOrEqual(4); // two tries, each for IPv4 and for IPv6
  });

  it('is not awaited after close', async () => {
    const names = await openTestNameServer(() => null);
    open.push(names);
    const post = openCallbackPost({ callbackHosts: ['*'], nameServers: [names.address] });
    const reply = post.send(message('https://hooks.example.com/'), Date.now());
    await names.until(1);
    await post.close();
    expect(await reply).toEqual({ error: 'unreachable', cause: 'stopped' });
  });
});

it('gives up after its time limit', async () => {
  const server = await openTestReceiver();
  open.push(server);
  server.answer(() => HANG);
  const post = openCallbackPost({ callbackHosts: [server.url], timeoutMs: 50 });
  open.push(post);
  expect(await post.send(message(server.url), Date.now())).toEqual({ error: 'timeout', cause: 'timeout' });
});

it('ends requests under way when it is closed', async () => {
  const server = await openTestReceiver();
  open.push(server);
  server.answer(() => HANG);
  const post = openCallbackPost({ callbackHosts: [server.url] });
  const reply = post.send(message(server.url), Date.now());
  await server.until(1);
  await post.close();
  expect(await reply).toEqual({ error: 'unreachable', cause: 'stopped' });
});
