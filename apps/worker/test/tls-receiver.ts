/**
 * For tests: servers with faulty TLS, with certificates made by openssl, and a valid one for
 * comparison.
 */

import { type ChildProcess, type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

export interface TestAuthority {
  /** PEM */
  readonly certificate: string;
  /**
   * Starts a server of this name, signed by the authority unless `isSelfSigned`, and valid between
   * these days from now.
   */
  serve(options: {
    readonly name: string;
    readonly fromDay?: number;
    readonly toDay?: number;
    readonly isSelfSigned?: boolean;
    /** Further lines of openssl's extension file. */
    readonly extensions?: string;
  }): Promise<TestTlsServer>;
  /** Like `serve`, but the server requires a client certificate and says so by a TLS alert. */
  serveCertified(options: { readonly name: string; readonly version: 'tls1_2' | 'tls1_3' }): Promise<{ readonly port: number }>;
  close(): Promise<void>;
}

export interface TestTlsServer {
  readonly port: number;
  /** Requests that were answered. */
  answered(): number;
}

type Wanted = Required<Parameters<TestAuthority['serve']>[0]>;

/** `YYYYMMDDHHMMSSZ`, as openssl reads it. */
const stamp = (day: number): string => `${new Date(Date.now() + day * 86_400_000).toISOString().replace(/\D/g, '').slice(0, 14)}Z`;

/** `openssl x509` can set such times only from version 3.4 on. */
const CA = ['-config', 'ca.cnf', '-batch', '-notext', '-md', 'sha256'];
const CA_CONFIG = `[ca]
default_ca = test
[test]
database = index.txt
serial = serial
new_certs_dir = .
unique_subject = no
policy = any
[any]
commonName = supplied
`;

export function openTestAuthority(): TestAuthority {
  const folder = mkdtempSync(join(tmpdir(), 'qrcast-tls-'));
  const servers: Server[] = [];
  const programs: ChildProcess[] = [];
  let certificates = 0;
  prepareAuthority(folder);
  const newFiles = (wanted: Wanted): string => newCertificate(folder, `server-${++certificates}`, wanted);
  return {
    certificate: read(folder, 'ca.pem'),
    async serve({ name, fromDay = -1, toDay = 1, isSelfSigned = false, extensions = '' }) {
      const id = newFiles({ name, fromDay, toDay, isSelfSigned, extensions });
      let answered = 0;
      const server = createServer({ key: read(folder, `${id}.key`), cert: read(folder, `${id}.pem`) }, (request, response) => {
        answered++;
        request.resume();
        response.writeHead(204).end();
      });
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return { port: (server.address() as AddressInfo).port, answered: () => answered }; // it listens on TCP
    },
    async serveCertified({ name, version }) {
      const id = newFiles({ name, fromDay: -1, toDay: 1, isSelfSigned: false, extensions: '' });
      const program = startServer(folder, id, version);
      programs.push(program);
      return { port: await portOf(program) };
    },
    async close() {
      await closeAll(programs, servers);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function openssl(folder: string, ...args: string[]): void {
  execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
}

const read = (folder: string, file: string): string => readFileSync(join(folder, file), 'utf8');

function newKey(folder: string, file: string): void {
  openssl(folder, 'genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', file);
}

function prepareAuthority(folder: string): void {
  writeFileSync(join(folder, 'ca.cnf'), CA_CONFIG);
  writeFileSync(join(folder, 'index.txt'), '');
  writeFileSync(join(folder, 'serial'), '01\n');
  newKey(folder, 'ca.key');
  openssl(folder, 'req', '-x509', '-new', '-key', 'ca.key', '-subj', '/CN=qrcast test authority', '-days', '2', '-out', 'ca.pem');
}

/** @returns the id, which is the name of its files */
function newCertificate(folder: string, id: string, { name, fromDay, toDay, isSelfSigned, extensions }: Wanted): string {
  newKey(folder, `${id}.key`);
  openssl(folder, 'req', '-new', '-key', `${id}.key`, '-subj', `/CN=${name}`, '-out', `${id}.csr`);
  writeFileSync(join(folder, `${id}.ext`), `subjectAltName=DNS:${name}\n${extensions}\n`);
  const signer = isSelfSigned ? ['-selfsign', '-keyfile', `${id}.key`] : ['-cert', 'ca.pem', '-keyfile', 'ca.key'];
  const times = ['-startdate', stamp(fromDay), '-enddate', stamp(toDay)];
  openssl(folder, 'ca', ...CA, ...signer, ...times, '-in', `${id}.csr`, '-extfile', `${id}.ext`, '-out', `${id}.pem`);
  return id;
}

type Program = ChildProcessByStdio<Writable, Readable, null>;

/** openssl's server, because Node's own would only close the connection. */
function startServer(folder: string, id: string, version: string): Program {
  const own = ['-key', `${id}.key`, '-cert', `${id}.pem`, `-${version}`, '-www'];
  const wants = ['-CAfile', 'ca.pem', '-Verify', '1', '-verify_return_error'];
  return spawn('openssl', ['s_server', '-accept', '127.0.0.1:0', ...own, ...wants], { cwd: folder, stdio: ['pipe', 'pipe', 'ignore'] });
}

async function portOf({ stdout }: Program): Promise<number> {
  for await (const text of stdout) {
    const [, port] = /^ACCEPT .*:(\d+)$/m.exec(String(text)) ?? [];
    if (port !== undefined) return Number(port);
  }
  throw new Error('openssl s_server did not listen');
}

async function closeAll(programs: readonly ChildProcess[], servers: readonly Server[]): Promise<void> {
  for (const program of programs.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) {
    program.kill();
    await once(program, 'exit');
  }
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
