import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createBodyBudget } from './body-budget.ts';

interface Request {
  readonly raw: IncomingMessage;
}

/** Requests whose bodies have not arrived. */
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

it('bounds the bytes of each tenant, and takes released bytes back once', async () => {
  const [one, two, three] = (await openRequests(3)) as [Request, Request, Request]; // as many as asked for
  const budget = createBodyBudget(100);
  budget.reserve('a', one, 60);
  budget.reserve('b', two, 100);
  expect(() => budget.reserve('a', three, 41)).toThrow('at most 100 bytes');
  budget.release(three); // it reserved nothing
  expect(() => budget.reserve('a', three, 41)).toThrow('at most 100 bytes');
  budget.release(one);
  budget.release(one);
  budget.reserve('a', three, 100);
  expect(() => budget.reserve('a', one, 1)).toThrow('at most 100 bytes');
});

it('releases everything that one request reserved in several steps', async () => {
  const [one, two] = (await openRequests(2)) as [Request, Request]; // as many as asked for
  const budget = createBodyBudget(100);
  for (const bytes of [10, 40, 50]) budget.reserve('a', one, bytes);
  expect(() => budget.reserve('a', two, 1)).toThrow('at most 100 bytes');
  budget.release(one);
  budget.reserve('a', two, 100);
});

it('reserves nothing for a caller that has disconnected', async () => {
  const [gone, other] = (await openRequests(2)) as [Request, Request]; // as many as asked for
  const closed = new Promise((resolve) => gone.raw.on('error', () => undefined).once('close', resolve));
  gone.raw.socket.destroy();
  await closed;
  const budget = createBodyBudget(100);
  budget.reserve('a', gone, 100);
  budget.reserve('a', other, 100);
});
