/**
 * For tests: real proxies from Debian's packages. Each runs in the foreground as the current user,
 * on a free loopback port, with its configuration and files in a folder of its own. The releasers
 * end it. It is never a service of the system.
 *
 * A test gives the configuration inside the proxy's server block. `listen`, logs and temporary
 * folders are set here. Guard a test with `describe.skipIf(isMissing('nginx'))`, which prints why
 * it is skipped.
 */

import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '@qrcast/runtime/redis/free-port';
import type { Releasers } from '@qrcast/runtime/releasers';
import { findProgram } from './find-program.ts';
import { runServer } from './guarded-server.ts';

export type ProxyName = 'nginx' | 'haproxy' | 'apache2' | 'caddy' | 'tinyproxy';

export interface TestedProxy {
  /** Without a trailing slash. */
  readonly url: string;
  readonly port: number;
}

/**
 * The parts of a configuration. `readyPath` answers 410, which shows that the port belongs to the
 * proxy just started.
 */
interface Setup {
  readonly port: number;
  readonly folder: string;
  readonly readyPath: string;
}

interface Kind {
  readonly program: ProxyName;
  /** The signal that ends it at once, with its open connections. */
  readonly signal: NodeJS.Signals;
  readonly args: (file: string, folder: string) => readonly string[];
  readonly config: (setup: Setup) => string;
  /** The status of `readyPath`, if it cannot be configured as 410. */
  readonly readyStatus?: number;
}

const READY_WITHIN_MS = 60_000;
const TRIES = 5;

/**
 * @param server inside `server {}`.
 * @param http inside `http {}`, before it: `upstream`, `map` and the like.
 */
export function startNginx(releasers: Releasers, server: string, http = ''): Promise<TestedProxy> {
  return startProxy(releasers, {
    program: 'nginx',
    signal: 'SIGTERM',
    args: (file, folder) => ['-p', folder, '-e', join(folder, 'log'), '-c', file],
    config: ({ port, folder, readyPath }) => `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${folder}/pid;
error_log ${folder}/log warn;
events { worker_connections 512; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ')}
  ${http}
  server {
    listen 127.0.0.1:${port};
    location = ${readyPath} { return 410; }
    ${server}
  }
}`,
  });
}

/** @param frontend inside `frontend`, after its `bind`; then its `backend` sections. */
export function startHaproxy(releasers: Releasers, frontend: string): Promise<TestedProxy> {
  return startProxy(releasers, {
    program: 'haproxy',
    signal: 'SIGTERM',
    args: (file) => ['-db', '-q', '-f', file],
    config: ({ port, readyPath }) => `
global
  nbthread 1
  maxconn 512
defaults
  mode http
  timeout connect 10s
  timeout client 300s
  timeout server 300s
  timeout tunnel 300s
frontend tested
  bind 127.0.0.1:${port}
  http-request deny deny_status 410 if { path ${readyPath} }
${frontend}
`,
  });
}

const APACHE_MODULES = [
  ...['mpm_event', 'authz_core', 'alias', 'rewrite', 'headers', 'setenvif', 'env', 'filter', 'deflate', 'brotli'],
  ...['proxy', 'proxy_http', 'proxy_wstunnel', 'proxy_balancer', 'slotmem_shm', 'lbmethod_byrequests', 'remoteip'],
];
const APACHE_FOLDERS = ['/usr/lib/apache2/modules', '/usr/lib64/httpd/modules'];

/** @param server at the level of the server: `ProxyPass`, `<Location>` and the like. */
export function startApache(releasers: Releasers, server: string): Promise<TestedProxy> {
  const modules = APACHE_FOLDERS.find((folder) => existsSync(folder)) ?? '';
  return startProxy(releasers, {
    program: 'apache2',
    signal: 'SIGTERM',
    args: (file, folder) => ['-d', folder, '-f', file, '-DFOREGROUND'],
    config: ({ port, folder, readyPath }) => `
${APACHE_MODULES.map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`).join('\n')}
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
PidFile ${folder}/pid
DefaultRuntimeDir ${folder}
ErrorLog ${folder}/log
# It does not serve as root, and needs no file.
${process.getuid?.() === 0 ? 'User #65534\nGroup #65534' : ''}
StartServers 1
ServerLimit 2
ThreadsPerChild 64
MaxRequestWorkers 128
MinSpareThreads 1
MaxSpareThreads 128
ProxyPass ${readyPath} !
Redirect gone ${readyPath}
${server}
`,
  });
}

/** @param site inside the site's block: `reverse_proxy`, `encode` and the like. */
export function startCaddy(releasers: Releasers, site: string): Promise<TestedProxy> {
  return startProxy(releasers, {
    program: 'caddy',
    signal: 'SIGQUIT', // SIGTERM waits for open connections
    args: (file) => ['run', '--adapter', 'caddyfile', '--config', file],
    config: ({ port, folder, readyPath }) => `
{
  admin off
  auto_https off
  storage file_system ${folder}
}
http://:${port} {
  bind 127.0.0.1
  respond ${readyPath} 410
${site}
}
`,
  });
}

/**
 * A forward proxy.
 *
 * @param settings lines of its configuration: `ConnectPort`, `BasicAuth` and the like.
 */
export function startTinyproxy(releasers: Releasers, settings: string): Promise<TestedProxy> {
  return startProxy(releasers, {
    program: 'tinyproxy',
    signal: 'SIGTERM',
    args: (file) => ['-d', '-c', file],
    readyStatus: settings.includes('BasicAuth') ? 407 : 400, // for a path without a host
    config: ({ port, folder }) => `
Port ${port}
Listen 127.0.0.1
Timeout 600
MaxClients 100
LogFile "${folder}/log"
${settings}
`,
  });
}

async function startProxy(releasers: Releasers, kind: Kind): Promise<TestedProxy> {
  const program = findProgram(kind.program);
  if (program === null) throw new Error(`there is no ${kind.program}; guard the test with isMissing`);
  const folder = await mkdtemp(join(tmpdir(), `qrcast-test-${kind.program}-`));
  releasers.push(`${kind.program}'s folder`, () => rm(folder, { recursive: true, force: true }));
  let lastError: unknown;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const setup = { folder, port: await freePort(), readyPath: `/ready-${randomUUID()}` };
    const file = join(folder, 'config');
    await writeFile(file, kind.config(setup));
    const server = runServer(program, kind.args(file, folder), folder, kind.signal);
    try {
      await untilReady(setup, kind.readyStatus ?? 410, server.failed);
      releasers.push(kind.program, server.close);
      return { url: `http://127.0.0.1:${setup.port}`, port: setup.port };
    } catch (error) {
      await server.close();
      lastError = new Error(`${server.output()}${await readLog(folder)}`, { cause: error });
    }
  }
  throw new Error(`${kind.program} did not start in ${TRIES} tries`, { cause: lastError });
}

/**
 * Connects until the proxy itself answers.
 *
 * @throws {Error} if it ended, or another server has the port.
 */
async function untilReady({ port, readyPath }: Setup, ready: number, failed: Promise<never>): Promise<void> {
  const deadline = AbortSignal.timeout(READY_WITHIN_MS);
  for (;;) {
    const status = await Promise.race([statusOf(port, readyPath), failed]);
    if (status === ready) return;
    if (status !== null) throw new Error(`another server has port ${port}: it answered ${status}`);
    deadline.throwIfAborted();
    await delay(20);
  }
}

/** Resolves to null while nobody listens. */
function statusOf(port: number, path: string): Promise<number | null> {
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port, path, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    }).once('error', () => resolve(null));
  });
}

async function readLog(folder: string): Promise<string> {
  try {
    return (await readFile(join(folder, 'log'), 'utf8')).slice(-4_000);
  } catch {
    return ''; // ENOENT: this proxy writes to its outputs
  }
}
