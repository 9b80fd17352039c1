/**
 * Shows that the fuzz notices hangs and leaks: runs programs in processes of their own that hang or
 * leak.
 */

import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createReleasers } from '@qrcast/runtime/releasers';
import { afterAll, expect, it } from 'vitest';
import { createSubject, expectFound, names } from './careless.ts';
import { growing, type Held, leftOver } from './held.ts';
import { httpEdge } from './http.ts';
import { exchangeRaw } from './raw-exchange.ts';
import { startRole, type WatchedRole } from './watched-role.ts';

const releasers = createReleasers();
afterAll(() => releasers.release());

it.concurrent('a hang: a server that never answers a HEAD, and keeps its connection open', async () => {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', (bytes) => {
      if (!String(bytes).startsWith('HEAD ')) socket.end('HTTP/1.1 204 No Content\r\n\r\n');
    });
    socket.once('end', () => socket.bytesRead === 0 && socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  releasers.push('server', async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const edge = httpEdge({ ...names, port: () => port, limitMs: 600 });
  await expectFound(edge, createSubject(), /an input was neither answered nor its connection closed/);
});

const MAIN = fileURLToPath(new URL('./careless-role.ts', import.meta.url));
const ROUNDS = 4;

async function startCareless(keeps: string): Promise<WatchedRole> {
  const role = await startRole({ name: keeps, main: MAIN, args: [keeps], isUp: /"port":(\d+)/ }, () => ({}));
  releasers.push(keeps, () => role.stop());
  return role;
}

/** What the program holds at the start, and after each round of requests. */
async function heldBy(keeps: string): Promise<readonly Held[]> {
  const role = await startCareless(keeps);
  const rounds = [await role.held()];
  for (let round = 0; round < ROUNDS; round++) {
    const requests = Array.from({ length: 10 }, () => exchangeRaw(role.port(), ['GET / HTTP/1.1\r\n\r\n']));
    await Promise.all(requests);
    rounds.push(await role.held());
  }
  return rounds;
}

it.concurrent('a program that holds nothing passes', async () => {
  const [base, ...rounds] = await heldBy('nothing');
  expect(growing(rounds)).toEqual([]);
  expect(leftOver(base as Held, rounds.at(-1) as Held, 'counted')).toEqual([]);
});

it.concurrent('a leak of sockets, in use or idle', async () => {
  const [base, ...rounds] = await heldBy('sockets');
  expect(leftOver(base as Held, rounds.at(-1) as Held, 'kept')).toEqual([expect.stringMatching(/^\d+ used sockets/)]);
  const [idleBase, ...idle] = await heldBy('idle sockets');
  expect(leftOver(idleBase as Held, idle.at(-1) as Held, 'counted')).toContainEqual(expect.stringMatching(/^\d+ open sockets/));
});

it.concurrent('a leak of timers', async () => {
  expect(growing((await heldBy('timers')).slice(1))).toEqual([expect.stringMatching(/^timers after each round/)]);
});

it.concurrent('a leak of memory', async () => {
  expect(growing((await heldBy('memory')).slice(1))).toEqual([expect.stringMatching(/^heap after each round/)]);
});
