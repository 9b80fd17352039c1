/**
 * For tests: the examples of `infra/proxies`, each the very file that people copy, in the real program.
 * Only ports, addresses, paths and a capacity are replaced. A text that the file does not have is an
 * error, so that no replacement is left out unnoticed.
 */

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { promisify } from 'node:util';
import { TEST_CERTIFICATE, TEST_KEY } from '@qrcast/provider/test/certificate';
import { freePort } from '@qrcast/runtime/redis/free-port';
import type { Releasers } from '@qrcast/runtime/releasers';
import { Agent, setGlobalDispatcher } from 'undici';
import { findProgram } from './find-program.ts';
import { runServer } from './guarded-server.ts';
import { childrenOf } from './login.ts';

export const EXAMPLES = ['nginx', 'haproxy', 'caddy'] as const;
export type ExampleName = (typeof EXAMPLES)[number];

/** Each takes the text of the example, and returns it changed. */
export type Change = (text: string) => string;

export interface RunningExample {
  /** Without a trailing slash. */
  readonly url: string;
  /** Of the port without TLS. */
  readonly plainUrl: string;
  /** As its operator does it, with the example changed in this way. Resolves once the new configuration serves. */
  reload(change?: Change): Promise<void>;
}

export interface ExampleOptions {
  /** Of the gateways, in place of the documented addresses. With one, the second address is taken out. */
  readonly ports: readonly [number, number?];
  /** Whether it serves the gateways below `/qrcast`, as a comment of the example says. */
  readonly isBelowPath?: boolean;
  readonly change?: Change;
}

interface Setup {
  readonly folder: string;
  readonly file: string;
  readonly port: number;
  readonly plainPort: number;
  readonly adminPort: number;
}

type Replacement = readonly [string, string];

interface Kind {
  readonly file: string;
  /** The line of the second gateway, or its part of a line. */
  readonly second: string;
  replacements(setup: Setup): readonly Replacement[];
  args(setup: Setup): readonly string[];
  /** The command that checks the file, as its header says. */
  check(setup: Setup): readonly string[];
  /** It ends the program at once, with its open connections. */
  readonly signal: NodeJS.Signals;
  /** The command that reloads it, or the signal to its first process. */
  reload(setup: Setup): readonly string[] | NodeJS.Signals;
}

const KINDS: Readonly<Record<ExampleName, Kind>> = {
  nginx: {
    file: 'nginx.conf',
    second: '    server 10.0.0.2:3000 max_fails=1 fail_timeout=5s;\n',
    replacements: ({ folder, port, plainPort }) => [
      ['user www-data;', process.getuid?.() === 0 ? 'user root;' : ''], // its folder is for the owner alone
      ['/run/nginx.pid', `${folder}/pid`],
      ['/var/log/nginx/error.log', `${folder}/log`],
      ['access_log /var/log/nginx/access.log', `${temporaryFolders(folder)}\n  access_log ${folder}/access.log`],
      ['/etc/ssl/qrcast/fullchain.pem', `${folder}/fullchain.pem`],
      ['/etc/ssl/qrcast/privkey.pem', `${folder}/privkey.pem`],
      ['listen 80 default_server;', `listen 127.0.0.1:${plainPort} default_server;`],
      ['listen [::]:80 default_server;', ''],
      ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`],
      ['listen [::]:443 ssl http2 default_server;', ''],
    ],
    signal: 'SIGTERM',
    args: ({ folder, file }) => ['-p', folder, '-e', join(folder, 'log'), '-c', file, '-g', 'daemon off;'],
    check: ({ folder, file }) => ['-p', folder, '-e', join(folder, 'log'), '-c', file, '-t'],
    reload: ({ folder, file }) => ['-p', folder, '-e', join(folder, 'log'), '-c', file, '-s', 'reload'],
  },
  haproxy: {
    file: 'haproxy.cfg',
    second: '  server gateway2 10.0.0.2:3000\n',
    replacements: ({ folder, port, plainPort }) => [
      ['maxconn 30000', 'maxconn 512'], // a machine of tests may allow fewer open files
      [':::80 v4v6', `127.0.0.1:${plainPort}`],
      [':::443 v4v6', `127.0.0.1:${port}`],
      ['/etc/ssl/qrcast/qrcast.pem', `${folder}/qrcast.pem`],
    ],
    signal: 'SIGKILL', // at SIGTERM it waits for the watchdog, which is its child
    args: ({ file }) => ['-W', '-f', file],
    check: ({ file }) => ['-c', '-f', file],
    reload: () => 'SIGUSR2', // `systemctl reload haproxy`
  },
  caddy: {
    file: 'Caddyfile',
    second: ' 10.0.0.2:3000',
    replacements: ({ folder, port, plainPort, adminPort }) => [
      ['admin localhost:2019', `admin localhost:${adminPort}\n\thttp_port ${plainPort}\n\thttps_port ${port}\n\tdefault_bind 127.0.0.1`],
      ['qrcast.example.com {', '127.0.0.1 {'],
      ['# tls /etc/ssl/qrcast/fullchain.pem /etc/ssl/qrcast/privkey.pem', `tls ${folder}/fullchain.pem ${folder}/privkey.pem`],
    ],
    signal: 'SIGQUIT', // SIGTERM waits for open connections
    args: ({ file }) => ['run', '--config', file],
    check: ({ file }) => ['validate', '--config', file],
    reload: ({ file }) => ['reload', '--config', file],
  },
};

const temporaryFolders = (folder: string): string =>
  ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ');

const execute = promisify(execFile);
const READY_WITHIN_MS = 60_000;
const LOOK_AGAIN_MS = 20;
const TRIES = 5;

/**
 * From now on, all clients of this process trust the certificate of the examples. Its `fetch` opens a
 * connection for each request, over HTTP/1.1. Over HTTP/2 that of Node 26 may wait for ever once a proxy
 * that is reloaded says GOAWAY, and it does not repeat a request that met the end of an idle
 * connection. Browsers do, and a test opens the page in one over HTTP/2.
 */
export function trustTestCertificate(): void {
  setGlobalDispatcher(new Agent({ allowH2: false, pipelining: 0 }));
  setDefaultCACertificates([...getCACertificates('default'), TEST_CERTIFICATE]);
}

export function readExample(name: ExampleName): string {
  return readFileSync(new URL(`../../../infra/proxies/${KINDS[name].file}`, import.meta.url), 'utf8');
}

/** @throws {Error} if the text does not have what is to be replaced */
export function replaced(text: string, replacements: readonly Replacement[]): string {
  return replacements.reduce((all, [from, to]) => {
    if (!all.includes(from)) throw new Error(`the example has no "${from}"`);
    return all.replaceAll(from, to);
  }, text);
}

/** Replaces each line below which a comment says what stands there below a path. */
export const belowPath: Change = (text) => {
  const moved = text.replaceAll(/^(\s*).*\n\s*# Below a path: (.*)$/gm, '$1$2');
  if (moved === text) throw new Error('the example does not say how to serve below a path');
  return moved;
};

/** Changes a limit that no test reaches: Caddy does nothing at a reload that changes nothing. */
export const touched: Change = (text) => text.replaceAll(/timeout( connect)? 3s/g, 'timeout$1 4s');

function rendered(name: ExampleName, setup: Setup, { ports: [first, second], isBelowPath = false }: ExampleOptions): string {
  const text = replaced(readExample(name), KINDS[name].replacements(setup));
  const placed = isBelowPath ? belowPath(text) : text;
  return replaced(placed, [
    ['10.0.0.1:3000', `127.0.0.1:${first}`],
    ...(second === undefined ? [[KINDS[name].second, ''] as const] : [['10.0.0.2:3000', `127.0.0.1:${second}`] as const]),
  ]);
}

/** Guard it with `isMissing`, and call `trustTestCertificate` before. */
export async function startExample(releasers: Releasers, name: ExampleName, options: ExampleOptions): Promise<RunningExample> {
  const folder = await mkdtemp(join(tmpdir(), `qrcast-test-${name}-`));
  releasers.push(`${name}'s folder`, () => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'fullchain.pem'), TEST_CERTIFICATE);
  await writeFile(join(folder, 'privkey.pem'), TEST_KEY);
  await writeFile(join(folder, 'qrcast.pem'), `${TEST_CERTIFICATE}\n${TEST_KEY}\n`);
  let lastError: unknown;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    try {
      return await tryExample(releasers, name, folder, options);
    } catch (error) {
      lastError = error; // another process may have taken a free port
    }
  }
  throw new Error(`${name} did not start in ${TRIES} tries`, { cause: lastError });
}

async function tryExample(releasers: Releasers, name: ExampleName, folder: string, options: ExampleOptions): Promise<RunningExample> {
  const kind = KINDS[name];
  const program = findProgram(name);
  if (program === null) throw new Error(`there is no ${name}; guard the test with isMissing`);
  const [port, plainPort, adminPort] = [await freePort(), await freePort(), await freePort()];
  const setup: Setup = { folder, file: join(folder, kind.file), port, plainPort, adminPort };
  const write = (change: Change = (text) => text): Promise<void> =>
    writeFile(setup.file, change((options.change ?? ((text) => text))(rendered(name, setup, options))));
  await write();
  const server = runServer(program, kind.args(setup), folder, kind.signal);
  try {
    await untilServed(port, server.failed);
  } catch (error) {
    await server.close();
    throw new Error(server.output(), { cause: error });
  }
  releasers.push(name, server.close);
  return {
    url: `https://127.0.0.1:${port}`,
    plainUrl: `http://127.0.0.1:${plainPort}`,
    async reload(change) {
      await write(change);
      await execute(program, kind.check(setup), { env: { HOME: folder } });
      await reloaded(server.pid, kind.reload(setup), program, folder);
    },
  };
}

/** nginx and HAProxy start a new process beside the old one. `caddy reload` waits by itself. */
async function reloaded(pid: number, how: readonly string[] | NodeJS.Signals, program: string, folder: string): Promise<void> {
  const before = new Set(childrenOf(pid));
  if (typeof how === 'string') process.kill(pid, how);
  else await execute(program, how, { env: { HOME: folder } });
  if (before.size <= 1) return; // Caddy has no processes below it, but the watchdog of the tests
  while (childrenOf(pid).every((child) => before.has(child))) await delay(LOOK_AGAIN_MS);
}

async function untilServed(port: number, failed: Promise<never>): Promise<void> {
  const deadline = AbortSignal.timeout(READY_WITHIN_MS);
  while (!(await Promise.race([answers(port), failed]))) {
    deadline.throwIfAborted();
    await delay(LOOK_AGAIN_MS);
  }
}

/** Whether this port answers with the certificate of the examples, and a gateway behind it. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port, path: '/healthz', agent: false, ca: TEST_CERTIFICATE }, (answer) => {
      answer.resume();
      resolve(true);
    }).once('error', () => resolve(false));
  });
}
