/** A server in a process of its own. With each request, it leaks what its first argument names. */

import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';

const [, , keeps] = process.argv;
const kept: unknown[] = [];

const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => undefined);
  socket.once('data', () => {
    keep(socket);
    socket.end('HTTP/1.1 204 No Content\r\n\r\n');
  });
});

function keep(socket: Socket): void {
  if (keeps === 'sockets') kept.push(connect(port(), '127.0.0.1'));
  else if (keeps === 'idle sockets') kept.push(connect(port(), '127.0.0.1').unref());
  else if (keeps === 'timers') kept.push(setInterval(() => undefined, 60_000));
  else if (keeps === 'memory') kept.push(Array.from({ length: 50_000 }, (_, i) => ({ i, socket })));
}

const port = (): number => (server.address() as AddressInfo).port; // it listens on TCP
server.listen(0, '127.0.0.1', () => process.stdout.write(`{"port":${port()}} up\n`));
