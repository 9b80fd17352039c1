import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Above the ports that services are known by, and below those that systems give away by default. */
const [LOWEST, HIGHEST] = [20_000, 32_767];
const TRIES = 100;

/**
 * Finds a free TCP port of the loopback address, for a program that cannot choose one itself. The
 * system does not give it to another program that asks for any port. So it stays free unless
 * somebody chooses it by its number.
 * @throws {Error} if there is none
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = randomInt(LOWEST, HIGHEST + 1);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free TCP port on 127.0.0.1 from ${LOWEST} to ${HIGHEST}; tried ${TRIES}`);
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
