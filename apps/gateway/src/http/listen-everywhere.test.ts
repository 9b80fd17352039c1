import type { AddressInfo } from 'node:net';
import { createLog } from '@qrcast/runtime/log';
import { fastify } from 'fastify';
import { expect, it } from 'vitest';
import { listenEverywhere } from './listen-everywhere.ts';

const log = createLog('test', 'silent');
const failing = (code: string): Error => Object.assign(new Error('listen'), { code });

/** What was listened on, where the nth try fails with the nth code. */
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

it('takes IPv6 and IPv4 where there are both', async () => {
  expect(await listenedOn()).toEqual({ hosts: ['::'], failed: null });
});

it.each(['EAFNOSUPPORT', 'EADDRNOTAVAIL'])('takes IPv4 alone where there is no IPv6 (%s), and tries no more than that', async (code) => {
  expect(await listenedOn(code)).toEqual({ hosts: ['::', '0.0.0.0'], failed: null });
  expect(await listenedOn(code, code)).toEqual({ hosts: ['::', '0.0.0.0'], failed: code });
});

it.each(['EADDRINUSE', 'EACCES'])('tries nothing else for another reason: %s', async (code) => {
  expect(await listenedOn(code)).toEqual({ hosts: ['::'], failed: code });
});

it('says that it takes IPv4 alone', async () => {
  const lines: string[] = [];
  const telling = createLog('test', 'info', { write: (line) => void lines.push(line) });
  await listenEverywhere((host) => (host === '::' ? Promise.reject(failing('EAFNOSUPPORT')) : Promise.resolve()), telling);
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ level: 30, errorCode: 'EAFNOSUPPORT' }]);
});

it('works with a server whose first try failed', async () => {
  const app = fastify();
  app.get('/', async () => 'here');
  // An address of the documents, which no machine has: the system refuses it as it would an IPv6 that is not there.
  const listen = (host: string): Promise<string> => app.listen({ port: 0, host: host === '::' ? '2001:db8::1' : '127.0.0.1' });
  await listenEverywhere(listen, log);
  const { port } = app.server.address() as AddressInfo;
  expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('here');
  await app.close();
});
