import type { AddressInfo } from 'node:net';
import { createLog } from '@qrcast/runtime/log';
import { fastify } from 'fastify';
import { expect, it } from 'vitest';
import { listenEverywhere } from './listen-everywhere.ts';

const log = createLog('test', 'silent');
const failing = (code: string): Error => Object.assign(new Error('listen'), { code });

/** The addresses that were listened on, if try n fails with code n. */
async function listenedOn(...codes: readonly string[]): Promise<{ readonly hosts: readonly string[]; readonly failed: unknown }> {
  const hosts: string[] = [];
  const listen = async (host: string): Promise<void> => {
    const code = codes[hosts.push(host) - 1];
    if (code !== undefined) throw failing(code);
  };
  const failed = await listenEverywhere(listen, log).then(
    () => null,
    (error: unknown) => (error as { code: string }).code,
  );
  return { hosts, failed };
}

it('listens on IPv6 and IPv4 if there are both', async () => {
  expect(await listenedOn()).toEqual({ hosts: ['::'], failed: null });
});

it.each(['EAFNOSUPPORT', 'EADDRNOTAVAIL'])('listens on IPv4 alone without IPv6 (%s), and tries nothing else', async (code) => {
  expect(await listenedOn(code)).toEqual({ hosts: ['::', '0.0.0.0'], failed: null });
  expect(await listenedOn(code, code)).toEqual({ hosts: ['::', '0.0.0.0'], failed: code });
});

it.each(['EADDRINUSE', 'EACCES'])('tries nothing else after another error: %s', async (code) => {
  expect(await listenedOn(code)).toEqual({ hosts: ['::'], failed: code });
});

it('logs that it listens on IPv4 alone', async () => {
  const lines: string[] = [];
  const telling = createLog('test', 'info', { write: (line) => void lines.push(line) });
  await listenEverywhere((host) => (host === '::' ? Promise.reject(failing('EAFNOSUPPORT')) : Promise.resolve()), telling);
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ level: 30, errorCode: 'EAFNOSUPPORT' }]);
});

it('works with a server whose first try failed', async () => {
  const app = fastify();
  app.get('/', async () => 'here');
  // An address reserved for documentation, which no machine has. The system refuses it as it would
  // refuse IPv6 without IPv6.
  const listen = (host: string): Promise<string> => app.listen({ port: 0, host: host === '::' ? '2001:db8::1' : '127.0.0.1' });
  await listenEverywhere(listen, log);
  const { port } = app.server.address() as AddressInfo;
  expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('here');
  await app.close();
});
