import { createServer } from 'node:net';

/**
 * Finds a free TCP port of the loopback address, for a program that cannot choose one itself.
 * Another process may take the port before that program does. @throws {Error} if there is none.
 */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free TCP port on 127.0.0.1');
  return address.port;
}
