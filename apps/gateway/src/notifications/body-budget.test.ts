import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createBodyRoom } from './body-budget.ts';

interface Request {
  readonly raw: IncomingMessage;
}

/** Requests whose bodies have not come. */
async function openRequests(count: number): Promise<Request[]> {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close().closeAllConnections());
  await once(server, 'listening');
  const requests: Request[] = [];
  for (let i = 0; i < count; i++) {
    const caller = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined); // it listens on TCP
    caller.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n');
    requests.push({ raw: (await once(server, 'request'))[0] as IncomingMessage }); // its first argument
  }
  return requests;
}

it('holds so many bytes of each tenant, and what is given back once', async () => {
  const [one, two, three] = (await openRequests(3)) as [Request, Request, Request]; // so many
  const room = createBodyRoom(100);
  room.take('a', one, 60);
  room.take('b', two, 100);
  expect(() => room.take('a', three, 41)).toThrow('at most 100 bytes');
  room.giveBack(three); // it has none
  expect(() => room.take('a', three, 41)).toThrow('at most 100 bytes');
  room.giveBack(one);
  room.giveBack(one);
  room.take('a', three, 100);
  expect(() => room.take('a', one, 1)).toThrow('at most 100 bytes');
});

it('gives back all that one has taken bit by bit', async () => {
  const [one, two] = (await openRequests(2)) as [Request, Request]; // so many
  const room = createBodyRoom(100);
  for (const bytes of [10, 40, 50]) room.take('a', one, bytes);
  expect(() => room.take('a', two, 1)).toThrow('at most 100 bytes');
  room.giveBack(one);
  room.take('a', two, 100);
});

it('has none for a caller who is gone before it is asked for', async () => {
  const [gone, other] = (await openRequests(2)) as [Request, Request]; // so many
  const closed = new Promise((resolve) => gone.raw.on('error', () => undefined).once('close', resolve));
  gone.raw.socket.destroy();
  await closed;
  const room = createBodyRoom(100);
  room.take('a', gone, 100);
  room.take('a', other, 100);
});
