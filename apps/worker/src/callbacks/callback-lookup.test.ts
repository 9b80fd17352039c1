import { execFileSync } from 'node:child_process';
import { lookup as lookupOnThread } from 'node:dns/promises';
import { closeSync, constants, openSync } from 'node:fs';
import { mkdtemp, open as openFile, rm } from 'node:fs/promises';
import type { LookupFunction } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPublicLookup } from '@qrcast/provider/public-lookup';
import { afterEach, describe, expect, it } from 'vitest';
import { openTestNameServer, type TestNameServer } from '../../test/name-server.ts';
import { openCallbackLookup } from './callback-lookup.ts';

const PUBLIC = { address: '51.250.12.167', family: 4 };
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function nameServer(answer: (name: string) => readonly string[] | null): Promise<TestNameServer> {
  const server = await openTestNameServer(answer);
  open.push(server);
  return server;
}

function callbackLookup({ address }: TestNameServer, namedHosts: readonly string[] = []): LookupFunction {
  const own = openCallbackLookup({ namedHosts, nameServers: [address] });
  open.push(own);
  return own.lookup;
}

const all = (by: LookupFunction, name: string): Promise<unknown> =>
  new Promise((resolve, reject) => by(name, { all: true }, (error, found) => (error === null ? resolve(found) : reject(error))));

/** Asks for twenty names that never get an answer. `isAnyOver`: whether one of them has ended. */
function askForTwenty(by: LookupFunction): { readonly over: Promise<unknown>; isAnyOver(): boolean } {
  let count = 0;
  const names = Array.from({ length: 20 }, (_, i) => all(by, `hook-${i}.silent.example.com`).finally(() => count++));
  return { over: Promise.allSettled(names), isAnyOver: () => count > 0 };
}

describe('a name server that never answers', () => {
  it('does not delay the lookups of others', async () => {
    const silent = await nameServer(() => null);
    const twenty = askForTwenty(callbackLookup(silent));
    await silent.until(20);
    expect(await lookupOnThread('localhost', { family: 4 })).toEqual({ address: '127.0.0.1', family: 4 });
    expect(twenty.isAnyOver()).toBe(false);
  });

  it('does delay them on the threads of `dns.lookup` (twin)', async () => {
    // The system's name server cannot be silenced here. Opening a pipe without a writer blocks one
    // of the same threads as long.
    const folder = await mkdtemp(join(tmpdir(), 'qrcast-pipe-'));
    open.push({ close: () => rm(folder, { recursive: true }) });
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const onThread = createPublicLookup([], (_hostname, _options, callback) => {
      void openFile(pipe, 'r').then(async (file) => {
        await file.close();
        callback(null, [PUBLIC]);
      });
    });
    const twenty = askForTwenty(onThread);
    let isFound = false;
    const localhost = lookupOnThread('localhost').finally(() => (isFound = true));
    const answering = await nameServer(() => [PUBLIC.address]);
    for (let i = 0; i < 20; i++) await all(callbackLookup(answering), `well-${i}.example.com`); // enough time, as above
    expect(isFound).toBe(false);
    const writer = openSync(pipe, constants.O_RDWR); // does not wait for a reader
    await Promise.all([twenty.over, localhost]);
    closeSync(writer);
  });

  it('gets at most two tries', async () => {
    const silent = await nameServer(() => null);
    await expect(all(callbackLookup(silent), 'hooks.example.com')).rejects.toMatchObject({ code: 'ETIMEOUT' });
    expect(silent.questions()).toBe(4); // for IPv4 and for IPv6
  });

  it('is neither awaited nor asked after close', async () => {
    const silent = await nameServer(() => null);
    const own = openCallbackLookup({ namedHosts: [], nameServers: [silent.address] });
    const under = all(own.lookup, 'hooks.example.com');
    await silent.until(1);
    own.close();
    await expect(under).rejects.toMatchObject({ code: 'ECANCELLED' });
    await expect(all(own.lookup, 'hooks.example.com')).rejects.toMatchObject({ code: 'ECANCELLED' });
  });
});

it('returns public addresses, but no private ones', async () => {
  const answers: Record<string, string[]> = {
    'public.example.com': [PUBLIC.address],
    'both.example.com': ['10.0.0.7', PUBLIC.address],
    'private.example.com': ['10.0.0.7', '127.0.0.1'],
  };
  const find = callbackLookup(await nameServer((name) => answers[name] ?? []));
  expect(await all(find, 'public.example.com')).toEqual([PUBLIC]);
  expect(await all(find, 'both.example.com')).toEqual([PUBLIC]);
  await expect(all(find, 'private.example.com')).rejects.toMatchObject({ code: 'EACCES' });
  await expect(all(find, 'none.example.com')).rejects.toMatchObject({ code: 'ENODATA' });
});

it('resolves only hosts that the operator named by the system, including /etc/hosts', async () => {
  const server = await nameServer(() => []);
  expect(await all(callbackLookup(server, ['localhost']), 'localhost')).toContainEqual({ address: '127.0.0.1', family: 4 });
  expect(server.asked.size).toBe(0);
  await expect(all(callbackLookup(server), 'localhost')).rejects.toMatchObject({ code: 'ENODATA' });
  expect(server.asked).toEqual(new Set(['localhost']));
});
