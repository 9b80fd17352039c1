/**
 * `qrcast login` with the bytes of secrets from files and pipes. A byte-order mark is dropped.
 * Bytes that are not text are refused before the account loses a try.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Instance } from '@qrcast/simulator/instance';
import { openSimulator, type Simulator } from '@qrcast/simulator/simulator';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type LoginOptions, type LoginRun, startLogin } from '../test/login.ts';

const MARK = '\uFEFF';

let simulator: Simulator;
let folder: string;
beforeAll(async () => {
  simulator = await openSimulator();
  folder = await mkdtemp(join(tmpdir(), 'qrcast-bytes-'));
});
afterAll(async () => {
  await simulator.close();
  await rm(folder, { recursive: true, force: true });
});

const runs: LoginRun[] = [];
afterEach(async () => {
  for (const run of runs.splice(0)) await run.clean();
});

async function login(instance: Instance, args: readonly string[], options: LoginOptions = {}): Promise<LoginRun> {
  const run = await startLogin(['login', '--json', '--id', instance.idInstance, '--api-url', simulator.url, ...args], options);
  runs.push(run);
  return run;
}

async function fileWith(name: string, text: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

const isShowing = (run: LoginRun) => (): boolean => run.output().includes('"state":"showing"');
const tries = (instance: Instance): number => instance.requests.filter(({ method }) => method === 'sendAuthorizationPassword').length;

it('files that begin with a byte-order mark are read without it', async () => {
  const instance = simulator.createInstance({ cloudPassword: 'пароль 7' });
  const tokenFile = await fileWith('token', `${MARK}${instance.apiToken}\r\n`);
  const passwordFile = await fileWith('password', `${MARK}пароль 7\r\n`);
  const run = await login(instance, ['--token-file', tokenFile, '--password-file', passwordFile]);
  await run.until(isShowing(run));
  instance.scan();
  expect(await run.ended).toBe(0);
  expect(tries(instance)).toBe(1);
});

it('the lines of a pipe are read without it as well', async () => {
  const instance = simulator.createInstance({ cloudPassword: 'пароль 7' });
  const run = await login(instance, ['--token-file', '-'], { stdin: 'open' });
  run.stdin?.write(`${MARK}${instance.apiToken}\r\nпароль 7\r\n`);
  await run.until(isShowing(run));
  instance.scan();
  expect(await run.ended).toBe(0);
  expect(tries(instance)).toBe(1);
});

it.each<readonly [what: string, bytes: string | Buffer]>([
  ['not UTF-8', Buffer.from('\xef\xe0\xf0\xee\xeb\xfc', 'latin1')],
  ['UTF-16', Buffer.from(`${MARK}secret`, 'utf16le')],
  ['of two lines', 'secret\nsecond\n'],
])('a password file that is %s is a usage error, and nothing is sent to the provider', async (_what, bytes) => {
  const instance = simulator.createInstance({ cloudPassword: 'secret' });
  const env = { GREEN_API_TOKEN: instance.apiToken };
  const run = await login(instance, ['--password-file', await fileWith('wrong', bytes)], { env });
  expect(await run.ended).toBe(2);
  expect(JSON.parse(run.output())).toMatchObject({ event: 'error', code: 'usage', detail: expect.stringContaining('--password-file') });
  expect(run.output() + run.errors()).not.toContain('sec');
  expect(instance.requests).toHaveLength(0);
});

it('a password from a pipe in another encoding ends the command without a try', async () => {
  const instance = simulator.createInstance({ cloudPassword: 'пароль' });
  const run = await login(instance, [], { stdin: 'open', env: { GREEN_API_TOKEN: instance.apiToken } });
  await run.until(isShowing(run));
  instance.scan();
  await run.until(() => run.output().includes('password_required'));
  run.stdin?.write(Buffer.from('\xef\xe0\xf0\xee\xeb\xfc\n', 'latin1'));
  expect(await run.ended).toBe(2);
  expect(tries(instance)).toBe(0);
});
