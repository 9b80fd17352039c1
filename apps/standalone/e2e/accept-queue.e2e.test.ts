/** Clients connect while the gateway is too busy to accept them. */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { spawnNode } from '../test/role-process.ts';
import { openRollingStage } from '../test/rolling-stage.ts';

/** Above Node's default backlog of 511, and below ours. */
const STORM = 1_000;
const NODES_QUEUE = 511;

let releasers: Releasers;
beforeEach(() => {
  releasers = createReleasers();
});
afterEach(() => releasers.release());

/** What the kernel keeps at most. */
const somaxconn = (): number => (process.platform === 'linux' ? Number(readFileSync('/proc/sys/net/core/somaxconn', 'latin1')) : 0);

it.runIf(somaxconn() > STORM)('keeps all of them until it accepts them', async () => {
  const stage = await openRollingStage(inject('redisUrl'), {}, releasers);
  const gateway = await stage.startGateway();
  gateway.child.kill('SIGSTOP');
  releasers.push('stopped gateway', () => void gateway.child.kill('SIGCONT'));
  const sockets = Array.from({ length: STORM }, () => openSocket(gateway.port));
  await Promise.all(sockets.map((socket) => once(socket, 'connect'))); // the kernel drops what it does not keep
  gateway.child.kill('SIGCONT');
  for (const socket of sockets) socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  const heads = await Promise.all(sockets.map(async (socket) => String(((await once(socket, 'data')) as [Buffer])[0]).slice(0, 15)));
  expect(new Set(heads)).toEqual(new Set(['HTTP/1.1 200 OK']));
});

it.runIf(somaxconn() > STORM)('(twin) keeps half of them with the queue that Node asks for', async () => {
  const program = spawnNode([
    '-e',
    "const s = require('net').createServer().listen(0, '127.0.0.1', () => console.log('port', s.address().port))",
  ]);
  releasers.push('program', () => void program.child.kill('SIGKILL'));
  const port = Number((await program.until(/port (\d+)/))[1]);
  program.child.kill('SIGSTOP');
  let connected = 0;
  for (let i = 0; i < STORM; i++) openSocket(port).once('connect', () => connected++);
  while (connected < NODES_QUEUE) await nextTurn();
  for (let turn = 0; turn < 100; turn++) await nextTurn(); // what the kernel keeps is connected by now
  expect(connected).toBeLessThan(STORM);
});

function openSocket(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined); // a test that waits for its data fails
  releasers.push('socket', () => void socket.destroy());
  return socket;
}
