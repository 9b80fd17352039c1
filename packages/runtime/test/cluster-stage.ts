/**
 * For tests: a Redis Cluster, by default of three masters and three replicas, all real processes on
 * loopback ports. They end with this process, or with `close`.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { slotOf } from '../src/redis/cluster-client.ts';
import { freePort } from '../src/redis/free-port.ts';
import { findRedisProgram, openRedisServer, type RedisServer } from '../src/redis/redis-server.ts';
import { type BusProxy, openBusProxy } from './bus-proxy.ts';
import { makeCertificates, tlsSettings } from './certificates.ts';
import { type ClusterMember, hasSlot, isComplete, isPaired, mastersAmong, membersIn, ownersIn, SLOTS } from './cluster-members.ts';
import { signal } from './sentinel-stage.ts';

export interface ClusterOptions {
  /** 3 by default. */
  readonly masters?: number;
  /** Of each master, 1 by default. */
  readonly replicas?: number;
  /** Whether each node writes an append-only file. It does not by default. */
  readonly persistent?: boolean;
  /** Whether `url` and the nodes among themselves use TLS. Then no node can be cut off. */
  readonly tls?: boolean;
}

export interface ClusterStage {
  /** For `REDIS_URL`. */
  readonly url: string;
  readonly password: string;
  /** The file of the authority's certificate, with TLS. */
  readonly caFile: string | null;
  /** Of the nodes of the start, the masters first. */
  readonly ports: readonly number[];
  /** The master that has the slot of the key. All nodes that answer must agree on it. */
  masterOf(key: string): Promise<ClusterMember>;
  /** The masters now. */
  masters(): Promise<ClusterMember[]>;
  /** Moves the slot of the key to another master, with its keys, as `redis-cli --cluster reshard` does. */
  moveSlot(key: string, toPort?: number): Promise<void>;
  /** Adds a master without slots. Resolves to its port when all nodes know it. */
  addNode(): Promise<number>;
  /** Makes a replica of the master with this port the master. Both stay up. */
  failover(port: number): Promise<void>;
  /** Resolves when all slots are served, by other masters than that one. */
  replaced(port: number): Promise<void>;
  /** All other nodes lose this one, and everybody else reaches it as before. */
  cutOff(port: number): Promise<void>;
  /** Ends that. */
  rejoin(port: number): Promise<void>;
  /** Starts a node again that has ended, without data. If it was a master, it must have been replaced. */
  restart(port: number): Promise<void>;
  /** Resolves when all nodes are up, and each master has a replica with its data. */
  settled(): Promise<void>;
  /** A connection to a node itself. */
  admin(port: number): Redis;
  pidOf(port: number): number;
  close(): Promise<void>;
}

interface Place {
  /** Without TLS. */
  readonly port: number;
  readonly tlsPort: number;
  readonly busPort: number;
  /** Between the other nodes and its bus. */
  readonly proxy: BusProxy;
  readonly own: string;
}

const PASSWORD = 'of-cluster';
/** The nodes need the processor more than whoever asks them. */
const ASK_AGAIN_MS = 20;
/** As it comes, it is 15 s. */
const NODE_TIMEOUT_MS = 2_000;

function entryOf<T>(entries: ReadonlyMap<number, T>, port: number): T {
  const entry = entries.get(port);
  if (entry === undefined) throw new Error(`no node of this stage has port ${port}`);
  return entry;
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: what is opened here is closed here.
export async function openClusterStage({
  masters: count = 3,
  replicas = 1,
  persistent = false,
  tls = false,
}: ClusterOptions = {}): Promise<ClusterStage> {
  const program = findRedisProgram(process.env['PATH'] ?? '') ?? 'redis-server';
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-cluster-'));
  const certificates = tls ? makeCertificates(folder) : null;
  const servers = new Map<number, RedisServer>();
  const admins = new Map<number, Redis>();
  const places = new Map<number, Place>();

  const tlsArgs = (tlsPort: number): readonly string[] =>
    certificates === null
      ? []
      : [
          ...[...tlsSettings(certificates), ['tls-cluster', 'yes'], ['tls-port', tlsPort]].flatMap(([name, value]) => [
            `--${name}`,
            `${value}`,
          ]),
          ...['--cluster-announce-hostname', 'localhost', '--cluster-preferred-endpoint-type', 'hostname'],
        ];

  async function openServer({ port, tlsPort, busPort, proxy, own }: Place): Promise<void> {
    const server = await openRedisServer({
      program,
      folder: own,
      persistent,
      endpoint: { port, password: PASSWORD },
      args: [
        ...['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-node-timeout', String(NODE_TIMEOUT_MS)],
        ...['--cluster-announce-ip', '127.0.0.1', '--cluster-announce-bus-port', String(proxy.port)],
        ...['--masterauth', PASSWORD, '--repl-diskless-sync-delay', '0', '--cluster-allow-replica-migration', 'no'],
        ...tlsArgs(tlsPort),
      ],
    });
    servers.set(port, server);
  }

  async function openNode(): Promise<number> {
    const [port, busPort, tlsPort] = [await freePort(), await freePort(), await freePort()];
    const place = { port, tlsPort, busPort, proxy: await openBusProxy(busPort), own: await mkdtemp(join(folder, 'node-')) };
    places.set(port, place);
    await openServer(place);
    admins.set(port, connect(port));
    return port;
  }

  function connect(port: number): Redis {
    const redis = new Redis({
      host: '127.0.0.1',
      port,
      password: PASSWORD,
      protocol: 2,
      maxRetriesPerRequest: null,
      retryStrategy: () => 50,
    });
    redis.on('error', () => undefined); // it may have been killed
    return redis;
  }

  const admin = (port: number): Redis => entryOf(admins, port);
  const placeOf = (port: number): Place => entryOf(places, port);

  /** What one node says of all. Null: it does not answer. */
  async function viewOf(port: number): Promise<ClusterMember[] | null> {
    const redis = admin(port);
    if (redis.status !== 'ready') return null;
    const asked = redis.cluster('NODES') as Promise<string>;
    const text = await Promise.race([asked.catch(() => null), new Promise<null>((resolve) => setTimeout(resolve, 500, null).unref())]);
    return text === null ? null : membersIn(text);
  }

  /** Resolves to what a node says once all that answer say the same. */
  async function members(isWanted: (members: readonly ClusterMember[]) => boolean = () => true): Promise<ClusterMember[]> {
    for (;;) {
      const views = (await Promise.all([...servers.keys()].map(viewOf))).filter((view) => view !== null);
      const [first] = views;
      const told = views.map((view) => JSON.stringify(ownersIn(view)));
      if (first !== undefined && new Set(told).size === 1 && isComplete(first) && isWanted(first)) return first;
      await delay(ASK_AGAIN_MS);
    }
  }

  async function masters(): Promise<ClusterMember[]> {
    return mastersAmong(await members());
  }

  async function masterOf(key: string): Promise<ClusterMember> {
    const slot = slotOf(key);
    const found = (await masters()).find((master) => hasSlot(master, slot));
    if (found === undefined) throw new Error('no master has the slot');
    return found;
  }

  async function close(): Promise<void> {
    for (const redis of admins.values()) redis.disconnect();
    for (const { pid } of servers.values()) signal(pid, 'SIGCONT'); // one that a test has stopped takes no SIGTERM
    for (const { pid } of servers.values()) signal(pid, 'SIGKILL'); // else each waits for its replica
    await Promise.all([...servers.values(), ...[...places.values()].map(({ proxy }) => proxy)].map((one) => one.close()));
    await rm(folder, { recursive: true, force: true });
  }

  async function meet(first: number, port: number): Promise<void> {
    const { tlsPort, proxy } = placeOf(port);
    await admin(first).call('CLUSTER', 'MEET', '127.0.0.1', tls ? tlsPort : port, proxy.port);
  }

  async function untilOk(port: number): Promise<void> {
    while (!/cluster_state:ok/.test(String(await admin(port).cluster('INFO')))) await delay(ASK_AGAIN_MS);
  }

  async function form(ports: readonly number[]): Promise<void> {
    const [first = 0] = ports;
    for (const [i, port] of ports.entries()) {
      const size = Math.ceil(SLOTS / count);
      if (i < count) await admin(port).call('CLUSTER', 'ADDSLOTSRANGE', i * size, Math.min(SLOTS, (i + 1) * size) - 1);
      await admin(port).call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
      if (i > 0) await meet(first, port);
    }
    const ids = await Promise.all(ports.map((port) => admin(port).call('CLUSTER', 'MYID')));
    for (const [i, port] of ports.entries()) {
      if (i < count) continue;
      const replicate = () => admin(port).call('CLUSTER', 'REPLICATE', String(ids[i % count]));
      while ((await replicate().catch(() => null)) === null) await delay(ASK_AGAIN_MS); // it does not know the master yet
    }
    await members((all) => all.length === ports.length && all.filter(({ isMaster }) => !isMaster).length === ports.length - count);
    for (const port of ports) await untilOk(port);
  }

  try {
    const ports: number[] = [];
    for (let n = 0; n < count * (1 + replicas); n++) ports.push(await openNode());
    await form(ports);
    return {
      url: tls
        ? `rediss+cluster://:${PASSWORD}@${ports.map((port) => `localhost:${placeOf(port).tlsPort}`).join(',')}`
        : `redis+cluster://:${PASSWORD}@${ports.map((port) => `127.0.0.1:${port}`).join(',')}`,
      password: PASSWORD,
      caFile: certificates?.ca ?? null,
      ports,
      masterOf,
      masters,
      async moveSlot(key, toPort) {
        const slot = slotOf(key);
        const from = await masterOf(key);
        const fits = ({ port }: ClusterMember): boolean => (toPort === undefined ? port !== from.port : port === toPort);
        const to = (toPort === undefined ? await masters() : await members()).find(fits);
        if (to === undefined) throw new Error('there is no other master');
        await admin(to.port).cluster('SETSLOT', slot, 'IMPORTING', from.id);
        await admin(from.port).cluster('SETSLOT', slot, 'MIGRATING', to.id);
        for (;;) {
          const keys = (await admin(from.port).cluster('GETKEYSINSLOT', slot, 100)) as string[];
          if (keys.length === 0) break;
          await admin(from.port).call('MIGRATE', '127.0.0.1', to.port, '', 0, 5_000, 'AUTH', PASSWORD, 'KEYS', ...keys);
        }
        for (const { port } of [to, from, ...(await masters())]) await admin(port).cluster('SETSLOT', slot, 'NODE', to.id);
        await members((all) => all.some((one) => one.id === to.id && hasSlot(one, slot)));
      },
      async addNode() {
        const known = servers.size;
        const port = await openNode();
        await admin(port).call('CLUSTER', 'SET-CONFIG-EPOCH', known + 100);
        await meet(ports[0] ?? 0, port);
        const isIn = async (view: number): Promise<boolean> => ((await viewOf(view)) ?? []).filter(({ isUp }) => isUp).length > known;
        for (const view of servers.keys()) while (!(await isIn(view))) await delay(ASK_AGAIN_MS);
        await untilOk(port); // a new node takes no writes in its first seconds
        return port;
      },
      async failover(port) {
        const all = await members();
        const old = all.find((member) => member.isMaster && member.port === port);
        if (old === undefined) return; // its replica is the master by now
        const replica = all.find(({ masterId }) => masterId === old.id);
        if (replica === undefined) throw new Error('the master has no replica');
        const isMaster = async (): Promise<boolean> => (await masters()).some(({ id }) => id === replica.id);
        while (!(await isMaster()))
          await admin(replica.port)
            .cluster('FAILOVER')
            .catch(() => undefined);
      },
      async replaced(port) {
        await members((all) => !all.some((member) => member.port === port && member.isMaster && member.slots.length > 0));
      },
      async cutOff(port) {
        const id = String(await admin(port).call('CLUSTER', 'MYID'));
        for (const { port: other, proxy } of places.values()) proxy.cutOff((sender) => other === port || sender === id);
      },
      async rejoin() {
        for (const { proxy } of places.values()) proxy.rejoin();
      },
      async restart(port) {
        await openServer(placeOf(port));
      },
      async settled() {
        await members((all) => all.length === servers.size && all.every(({ isUp }) => isUp) && (replicas === 0 || isPaired(all)));
        for (const { port, isMaster } of await members()) {
          while (!isMaster && !/master_link_status:up/.test(await admin(port).info('replication'))) await delay(ASK_AGAIN_MS);
        }
      },
      admin,
      pidOf: (port) => entryOf(servers, port).pid,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
