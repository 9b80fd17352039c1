/**
 * For tests: a master, two replicas and three Sentinels, all real processes on loopback ports. They
 * end with this process, or with `close`.
 */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from '../src/redis/free-port.ts';
import { findRedisProgram, openRedisServer, type RedisServer, spawnGuarded } from '../src/redis/redis-server.ts';
import { makeCertificates, tlsSettings } from './certificates.ts';

export interface SentinelOptions {
  /** Whether `url` and the servers among themselves use TLS. The ports of the stage are then those of TLS. */
  readonly tls?: boolean;
}

export interface SentinelStage {
  /** For `REDIS_URL`. */
  readonly url: string;
  readonly password: string;
  /** The file of the authority's certificate, with TLS. */
  readonly caFile: string | null;
  readonly sentinelPassword: string;
  readonly sentinelPorts: readonly number[];
  /** Of all servers, the master of the start first. */
  readonly ports: readonly number[];
  /** The server that the Sentinels name now. */
  master(): Promise<{ readonly port: number; readonly pid: number }>;
  /** As `master`. A cluster has several. */
  masters(): Promise<{ readonly port: number }[]>;
  /** Resolves when most Sentinels name another server than that one. */
  replaced(oldPort: number): Promise<void>;
  /** Makes the Sentinels demote a healthy master. */
  failover(): Promise<void>;
  /** The Sentinels lose the server, and everybody else reaches it as before. */
  cutOff(port: number): Promise<void>;
  /** Ends that. */
  rejoin(port: number): Promise<void>;
  /** Starts a server again that has ended, without data, as a replica of the master. */
  restart(port: number): Promise<void>;
  /** Resolves when there is one master, and both others are replicas with its data. */
  settled(): Promise<void>;
  /** A connection to the server itself. */
  admin(port: number): Redis;
  pidOf(port: number): number;
  close(): Promise<void>;
}

const MASTER_NAME = 'qr-main';
const PASSWORD = 'of-redis';
const SENTINEL_PASSWORD = 'of-sentinel';
/** A machine under load is late by a second, and a failover that nobody wanted would disturb a test. */
const DOWN_AFTER_MS = 2_000;
const FAILOVER_MS = 2_000;
/** The servers need the processor more than whoever asks them. */
const ASK_AGAIN_MS = 20;
/**
 * How often a Sentinel asks and tells others, ms. Its own figures are 1 to 10 s. It promotes only a
 * replica that it heard within some of these periods, so shorter ones make failovers fail.
 */
const PERIODS = { 'info-period': 1_000, 'ping-period': 500, 'ask-period': 100, 'publish-period': 100 };

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: what is opened here is closed here.
export async function openSentinelStage({ tls = false }: SentinelOptions = {}): Promise<SentinelStage> {
  const program = findRedisProgram(process.env['PATH'] ?? '') ?? 'redis-server';
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-sentinel-'));
  const certificates = tls ? makeCertificates(folder) : null;
  const host = tls ? 'localhost' : '127.0.0.1'; // as the certificates have it
  const settings = certificates === null ? [] : tlsSettings(certificates);
  /** The port without TLS, by the port with it. */
  const plainPorts = new Map<number, number>();
  const servers = new Map<number, RedisServer>();
  const sentinels: ReturnType<typeof spawnGuarded>[] = [];
  const clients = new Map<number, Redis>();

  async function plainPortOf(port: number): Promise<number> {
    if (!tls) return port;
    const plain = plainPorts.get(port) ?? (await freePort());
    plainPorts.set(port, plain);
    return plain;
  }

  async function openServer(port: number, ...args: string[]): Promise<void> {
    const own = await mkdtemp(join(folder, 'server-'));
    const tlsArgs = [...settings, ['tls-port', port], ['replica-announce-ip', host], ['replica-announce-port', port]];
    const server = await openRedisServer({
      program,
      folder: own,
      persistent: false,
      endpoint: { port: await plainPortOf(port), password: PASSWORD },
      args: [
        ...['--masterauth', PASSWORD, '--repl-diskless-sync-delay', '0', ...args],
        ...(tls ? tlsArgs.flatMap(([name, value]) => [`--${name}`, `${value}`]) : []),
        ...['--user', 'of-sentinels', 'on', `>${PASSWORD}`, 'allkeys', 'allchannels', '+@all'],
      ],
    });
    servers.set(port, server);
  }

  /** One for each server. */
  function connect(port: number, password: string): Redis {
    const known = clients.get(port);
    if (known !== undefined) return known;
    const redis = new Redis({
      host: '127.0.0.1',
      port: plainPorts.get(port) ?? port,
      password,
      protocol: 2,
      maxRetriesPerRequest: null,
      retryStrategy: () => 50,
    });
    redis.on('error', () => undefined); // it may have been killed
    clients.set(port, redis);
    return redis;
  }

  async function openSentinel(number: number, masterPort: number): Promise<number> {
    const port = await freePort();
    const own = join(folder, `sentinel-${number}`);
    await mkdir(own);
    const file = join(own, 'sentinel.conf'); // Sentinel writes into it
    await writeFile(
      file,
      [
        'bind 127.0.0.1',
        `port ${await plainPortOf(port)}`,
        ...(tls ? [...settings, ['tls-port', port]].map(([name, value]) => `${name} "${value}"`) : []),
        ...(tls ? ['sentinel resolve-hostnames yes', 'sentinel announce-hostnames yes', `sentinel announce-ip ${host}`] : []),
        `dir "${own}"`,
        `requirepass ${SENTINEL_PASSWORD}`,
        `sentinel monitor ${MASTER_NAME} ${host} ${masterPort} 2`,
        `sentinel auth-pass ${MASTER_NAME} ${PASSWORD}`,
        `sentinel auth-user ${MASTER_NAME} of-sentinels`,
        `sentinel down-after-milliseconds ${MASTER_NAME} ${DOWN_AFTER_MS}`,
        `sentinel failover-timeout ${MASTER_NAME} ${FAILOVER_MS}`,
        `sentinel parallel-syncs ${MASTER_NAME} 2`,
      ].join('\n'),
    );
    sentinels.push(spawnGuarded([program, file, '--sentinel'], own, ''));
    return port;
  }

  async function close(): Promise<void> {
    for (const client of clients.values()) client.disconnect();
    for (const { pid } of servers.values()) signal(pid, 'SIGCONT'); // one that a test has stopped takes no SIGTERM
    await Promise.all([...sentinels, ...servers.values()].map((one) => one.close()));
    await rm(folder, { recursive: true, force: true });
  }

  try {
    const masterPort = await freePort();
    await openServer(masterPort);
    const openReplica = async (port: number, ofPort: number): Promise<void> => openServer(port, '--replicaof', host, String(ofPort));
    await Promise.all([1, 2].map(async () => openReplica(await freePort(), masterPort)));
    const admin = connect(masterPort, PASSWORD);
    await until(async () => /connected_slaves:2/.test(await admin.info('replication')));
    const sentinelPorts = await Promise.all([1, 2, 3].map((number) => openSentinel(number, masterPort)));
    const asked = sentinelPorts.map((port) => connect(port, SENTINEL_PASSWORD));
    const [first] = asked as [Redis];
    const periods = Object.entries(PERIODS).flat();
    await Promise.all(asked.map((sentinel) => sentinel.call('SENTINEL', 'DEBUG', ...periods)));
    await Promise.all(asked.map((sentinel) => until(async () => isComplete(await masterFields(sentinel)))));

    const placeOf = async (sentinel: Redis): Promise<number> => Number((await masterFields(sentinel)).get('port'));
    const portNow = async (): Promise<number> => {
      const [a = 0, b = 0, c = 0] = await Promise.all(asked.map(placeOf));
      return a === b || a === c ? a : b;
    };
    return {
      url: `${tls ? 'rediss' : 'redis'}+sentinel://:${PASSWORD}@${sentinelPorts.map((port) => `${host}:${port}`).join(',')}/${MASTER_NAME}?sentinelPassword=${SENTINEL_PASSWORD}`,
      password: PASSWORD,
      caFile: certificates?.ca ?? null,
      sentinelPassword: SENTINEL_PASSWORD,
      sentinelPorts,
      ports: [...servers.keys()],
      async master() {
        const port = await portNow();
        const pid = servers.get(port)?.pid;
        if (pid === undefined) throw new Error('the Sentinels name no server of this stage');
        return { port, pid };
      },
      masters: async () => [{ port: await portNow() }],
      async replaced(oldPort) {
        await until(async () => (await portNow()) !== oldPort);
      },
      async failover() {
        const old = await portNow();
        await until(async () => {
          const fields = await masterFields(first);
          const isIdle = fields.get('flags') === 'master' && fields.get('port') === String(old); // it gives up if no replica fits yet
          if (isIdle) await first.call('SENTINEL', 'FAILOVER', MASTER_NAME).catch(() => undefined);
          return (await portNow()) !== old;
        });
      },
      async cutOff(port) {
        const own = connect(port, PASSWORD);
        await own.acl('SETUSER', 'of-sentinels', 'off');
        await own.client('KILL', 'USER', 'of-sentinels');
      },
      async rejoin(port) {
        const own = connect(port, PASSWORD);
        await own.acl('SETUSER', 'of-sentinels', 'on');
        // A Sentinel that is refused keeps its connection. It logs in, and gives its name, only after a connect.
        const nameless = [...String(await own.client('LIST')).matchAll(/^id=(\d+) .* name= /gm)].map(([, id]) => Number(id));
        for (const id of nameless) await own.call('CLIENT', 'KILL', 'ID', id, 'SKIPME', 'yes');
      },
      restart: async (port) => openReplica(port, await portNow()),
      async settled() {
        await until(async () => {
          const told = await Promise.all(asked.map(masterFields));
          const ports = new Set(told.map((fields) => fields.get('port')));
          if (ports.size !== 1 || !told.every(isComplete)) return false;
          const replication = await connect(await portNow(), PASSWORD).info('replication');
          return /role:master/.test(replication) && replication.match(/state=online/g)?.length === 2;
        });
      },
      admin: (port) => connect(port, PASSWORD),
      pidOf(port) {
        const pid = servers.get(port)?.pid;
        if (pid === undefined) throw new Error(`no server of this stage has port ${port}`);
        return pid;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function masterFields(sentinel: Redis): Promise<Map<string, string>> {
  const flat = ((await sentinel.call('SENTINEL', 'MASTER', MASTER_NAME)) as unknown[]).map(String);
  return new Map(flat.flatMap((name, i): [string, string][] => (i % 2 === 0 ? [[name, flat[i + 1] ?? '']] : [])));
}

/** Does this Sentinel know all the others? Else they could not agree. */
const isComplete = (fields: Map<string, string>): boolean =>
  fields.get('num-slaves') === '2' && fields.get('num-other-sentinels') === '2' && fields.get('flags') === 'master';

async function until(holds: () => Promise<boolean> | undefined): Promise<void> {
  while ((await holds()) !== true) await delay(ASK_AGAIN_MS);
}

export function signal(pid: number, name: 'SIGCONT' | 'SIGSTOP' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch {
    // it has ended
  }
}
