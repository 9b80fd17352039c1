/**
 * The command: writes `.env` and `secrets/` beside compose.yaml, with fresh secrets. What is there
 * already stays, so it can be run again after an update. The argument is another folder to write to.
 *
 * The files can be read by everybody, because Compose mounts them as they are and the containers
 * run as other users. The folder is the operator's alone.
 */

import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const COMPOSE_FOLDER = fileURLToPath(new URL('../', import.meta.url));
const FILE_MODE = 0o444;
const KEY_BYTES = 32;

const folder = resolve(process.argv[2] ?? COMPOSE_FOLDER);
const secrets = join(folder, 'secrets');
mkdirSync(secrets, { recursive: true, mode: 0o700 });

function write(path: string, create: () => string, mode = FILE_MODE): void {
  if (existsSync(path)) return void process.stdout.write(`${path} is there already\n`);
  writeFileSync(path, create(), { mode });
  process.stdout.write(`${path} was made\n`);
}
const secret = (name: string, create: () => string): void => write(join(secrets, name), create);
const key = (): string => randomBytes(KEY_BYTES).toString('hex');

/**
 * The rule of OPERATING.md. Redis keeps a hash of the password, so only redis-url has it. The user
 * `default` is off and keeps its rights, because Redis 7 loads its append-only file with them.
 */
function redisUsers(): string {
  const password = new URL(readFileSync(join(secrets, 'redis-url'), 'utf8')).password;
  const hash = createHash('sha256').update(password).digest('hex');
  return (
    'user default off ~* &* +@all\n' +
    'user health on nopass resetchannels -@all +ping\n' +
    `user qrcast on #${hash} ~qrcast:* ~{qrcast}:* resetchannels &qrcast:* +@read +@write +@pubsub +@scripting ` +
    '+@transaction +@connection +time -@dangerous +info\n'
  );
}

/** A certificate for the simulator, which nothing trusts but what is told to. */
function makeCertificate(): void {
  const [certificate, keyFile] = [join(secrets, 'simulator-certificate'), join(secrets, 'simulator-key')];
  if (existsSync(certificate)) return;
  const names = 'subjectAltName=DNS:simulator,DNS:localhost,IP:127.0.0.1';
  const request = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '3650',
    '-subj',
    '/CN=simulator',
  ];
  const { status, error } = spawnSync('openssl', [...request, '-addext', names, '-keyout', keyFile, '-out', certificate]);
  if (status !== 0) throw new Error('openssl could not make a certificate; install openssl and run this again', { cause: error });
  for (const file of [certificate, keyFile]) chmodSync(file, FILE_MODE); // openssl keeps the key from others
}

write(join(folder, '.env'), () => readFileSync(join(COMPOSE_FOLDER, '.env.template'), 'utf8'), 0o600);
secret('redis-url', () => `redis://qrcast:${key()}@redis:6379`);
secret('redis-users', redisUsers);
secret('secret-keys', () => `k1:${randomBytes(KEY_BYTES).toString('base64')}`);
secret('admin-key', key);
secret('metrics-token', key);
secret('grafana-password', key);
makeCertificate();
