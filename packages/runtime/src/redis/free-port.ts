import { createServer } from 'node:net';

/**
 * A TCP port of the loopback address that nothing listened at just now, for a program that cannot be told to take one by itself. Another process
 * may take it before that program does. @throws {Error} if there is none.
 */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free TCP port on 127.0.0.1');
  return address.port;
}
