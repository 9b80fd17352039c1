/** Judges how a Redis keeps data: eviction, memory, persistence, buffers and replicas. Pure. */

import type { Fields } from '@qrcast/runtime/redis/server-facts';
import { type Finding, fault, ok, type Subject, unknown, warning } from './finding.ts';
import type { ServerFacts } from './judge-server.ts';

/** What is read with CONFIG GET. */
export const CONFIG_NAMES = ['save', 'appendfsync', 'client-output-buffer-limit', 'min-replicas-to-write'] as const;

type StorageFacts = Pick<ServerFacts, 'kind' | 'info' | 'config' | 'defaultMayWrite'>;

export function judgeStorage(facts: StorageFacts): Finding[] {
  return [
    judgeEviction(facts),
    judgeMemory(facts),
    judgePersistence(facts),
    judgeDefaultUser(facts),
    judgeSaves(facts),
    judgeBuffers(facts),
    judgeReplicas(facts),
  ];
}

const noInfo = (subject: Subject): Finding =>
  unknown(subject, 'the user may not run INFO', 'redis-cli ACL SETUSER <the user in REDIS_URL> +info');
const noConfig = (subject: Subject, found: string, mend: string): Finding =>
  unknown(subject, `${found}the user may not run CONFIG, as with most hosters`, mend);

const EVICTION = { id: 'redis-eviction', expected: 'maxmemory-policy noeviction' };
const TO_STOP_EVICTION =
  "redis-cli CONFIG SET maxmemory-policy noeviction, and the same in its configuration file or the hoster's settings";

/** With another policy Redis throws sessions, tenants and keys away when its memory is full. */
function judgeEviction({ info }: StorageFacts): Finding {
  if (info === null) return noInfo(EVICTION);
  const policy = info.get('maxmemory_policy');
  if (policy === undefined) return unknown(EVICTION, 'the server does not tell its policy', 'ask who runs it');
  if (policy === 'noeviction') return ok(EVICTION, `maxmemory-policy ${policy}`);
  if (numberIn(info, 'maxmemory') === 0) {
    return warning(EVICTION, `maxmemory-policy ${policy}, which does nothing while maxmemory is 0`, TO_STOP_EVICTION);
  }
  return fault(EVICTION, `maxmemory-policy ${policy}: Redis throws data away when its memory is full`, TO_STOP_EVICTION);
}

const MEMORY = { id: 'redis-memory', expected: 'less than 80 % of maxmemory is used' };
const FULL_PERCENT = 80;
const FAULT_PERCENT = 95;

function judgeMemory({ info }: StorageFacts): Finding {
  if (info === null) return noInfo(MEMORY);
  const [used, most] = [numberIn(info, 'used_memory'), numberIn(info, 'maxmemory')];
  if (used === null || most === null) return unknown(MEMORY, 'the server does not tell its memory', 'ask who runs it');
  if (most === 0) return ok(MEMORY, `${megabytes(used)} are used, and maxmemory is not set`);
  const percent = Math.floor((100 * used) / most);
  const found = `${megabytes(used)} of ${megabytes(most)} are used (${percent} %)`;
  const mend = 'raise maxmemory, or lower QRCAST_AUDIT_ENTRIES and QRCAST_AUDIT_DAYS; without memory Redis refuses writes';
  if (percent >= FAULT_PERCENT) return fault(MEMORY, found, mend);
  return percent >= FULL_PERCENT ? warning(MEMORY, found, mend) : ok(MEMORY, found);
}

const PERSISTENCE = { id: 'redis-persistence', expected: 'the append-only file is on' };
const TO_PERSIST = "redis-cli CONFIG SET appendonly yes, and the same in its configuration file or the hoster's settings";

/** Everything that qrcast knows is in Redis. */
function judgePersistence({ info, config }: StorageFacts): Finding {
  if (info === null) return noInfo(PERSISTENCE);
  if (info.get('aof_enabled') === '1') {
    const fsync = config?.get('appendfsync');
    if (fsync !== 'no') return ok(PERSISTENCE, `append-only file${fsync === undefined ? '' : `, appendfsync ${fsync}`}`);
    return warning(
      PERSISTENCE,
      'append-only file, appendfsync no: a crash may lose half a minute',
      'redis-cli CONFIG SET appendfsync everysec',
    );
  }
  if (config === null) return noConfig(PERSISTENCE, 'no append-only file, and whether there are snapshots is not known: ', TO_PERSIST);
  const save = config.get('save');
  if (save === undefined) return unknown(PERSISTENCE, 'no append-only file, and the server does not tell of snapshots', 'ask who runs it');
  if (save !== '') return warning(PERSISTENCE, 'snapshots only: a crash loses minutes', TO_PERSIST);
  return fault(PERSISTENCE, 'none: a restart of Redis loses all tenants, keys and sessions', TO_PERSIST);
}

const DEFAULT_USER = { id: 'redis-default-user', expected: "Redis's user default may write all keys, also where it is off" };
const TO_LET_IT_WRITE = 'redis-cli ACL SETUSER default off ~* &* +@all, and the same in its ACL file';

/** Redis 7 loads the append-only file as that user, and drops what scripts wrote if it may not write. */
function judgeDefaultUser({ info, defaultMayWrite }: StorageFacts): Finding {
  if (info === null) return noInfo(DEFAULT_USER);
  if (info.get('aof_enabled') !== '1') return ok(DEFAULT_USER, 'there is no append-only file, so its rights do not matter');
  if (defaultMayWrite === null)
    return unknown(DEFAULT_USER, 'the user may not ask', 'as an administrator: redis-cli ACL DRYRUN default SET qrcast:x 1 must say OK');
  if (defaultMayWrite) return ok(DEFAULT_USER, 'it may');
  return fault(DEFAULT_USER, 'it may not: a restart of Redis 7 loses what transactions and scripts wrote', TO_LET_IT_WRITE);
}

const SAVES = { id: 'redis-saves', expected: 'the last save worked' };
const SAVE_FIELDS = {
  rdb_last_bgsave_status: 'the last snapshot',
  aof_last_write_status: 'the last write of the append-only file',
  aof_last_bgrewrite_status: 'the last rewrite of the append-only file',
} as const;

function judgeSaves({ info }: StorageFacts): Finding {
  if (info === null) return noInfo(SAVES);
  const failed = Object.entries(SAVE_FIELDS).flatMap(([field, what]) => (info.get(field) === 'err' ? [what] : []));
  if (failed.length === 0) return ok(SAVES, 'no save has failed');
  return fault(SAVES, `${failed.join(', ')} failed`, "read why in Redis's log (a full disk, a folder without permission), and mend that");
}

const MEGABYTE = 1_048_576;
const LEAST_HARD = 32 * MEGABYTE;
const LEAST_SOFT = 8 * MEGABYTE;
const BUFFERS = {
  id: 'redis-output-buffer',
  expected: "client-output-buffer-limit pubsub of Redis's default (32mb 8mb 60) or more, not 0",
};
const TO_BUFFER = 'redis-cli CONFIG SET client-output-buffer-limit "pubsub 32mb 8mb 60", and the same in its configuration file';

/** A gateway that reads slower than others publish is cut off at the limit. */
function judgeBuffers({ config }: StorageFacts): Finding {
  if (config === null) return noConfig(BUFFERS, '', "compare it in the hoster's settings");
  const [, hard, soft, seconds] = /pubsub (\d+) (\d+) (\d+)/.exec(config.get('client-output-buffer-limit') ?? '') ?? [];
  if (hard === undefined) return unknown(BUFFERS, 'the server does not tell its limit', 'ask who runs it');
  const found = `pubsub ${limitText(Number(hard))} ${limitText(Number(soft))} ${seconds}`;
  if (Number(hard) === 0) return warning(BUFFERS, `${found}: a frozen gateway can fill the memory of Redis`, TO_BUFFER);
  const isSmall = Number(hard) < LEAST_HARD || (Number(soft) > 0 && Number(soft) < LEAST_SOFT);
  return isSmall ? warning(BUFFERS, `${found}: Redis may cut off a busy gateway`, TO_BUFFER) : ok(BUFFERS, found);
}

const REPLICAS: Readonly<Record<StorageFacts['kind'], Subject>> = {
  server: { id: 'redis-replicas', expected: 'as many good replicas as min-replicas-to-write asks for' },
  sentinel: { id: 'redis-replicas', expected: 'min-replicas-to-write 1, with two replicas or more' },
  cluster: { id: 'redis-replicas', expected: 'min-replicas-to-write 1 with two replicas of each master, else 0' },
};
const ONE_REPLICA = 'redis-cli CONFIG SET min-replicas-to-write 1, and min-replicas-max-lag 10, on every Redis';

/** A master that was cut off takes writes that will be lost, or its last replica stops all writes. */
function judgeReplicas({ kind, info, config }: StorageFacts): Finding {
  const subject = REPLICAS[kind];
  if (info === null) return noInfo(subject);
  if (config === null) return noConfig(subject, '', "compare it in the hoster's settings");
  if (info.get('role') === 'slave') return unknown(subject, 'a replica was asked', 'name a master first in REDIS_URL, and run this again');
  const needed = numberIn(config, 'min-replicas-to-write');
  if (needed === null) return unknown(subject, 'the server does not tell min-replicas-to-write', 'ask who runs it');
  const connected = numberIn(info, 'connected_slaves') ?? 0;
  const good = numberIn(info, 'min_slaves_good_slaves') ?? connected;
  const found = `min-replicas-to-write ${needed}, and ${connected} ${connected === 1 ? 'replica' : 'replicas'}`;
  if (needed > 0 && good < needed) {
    return fault(
      subject,
      `${found}, of which ${good} follow: writes are refused`,
      'bring the replicas back, or lower min-replicas-to-write',
    );
  }
  if (kind === 'server') return ok(subject, found);
  if (needed > 0 && connected < 2) {
    const mend = kind === 'sentinel' ? 'add a replica' : 'add a replica, or redis-cli CONFIG SET min-replicas-to-write 0';
    return warning(subject, `${found}: the loss of that replica stops all writes`, mend);
  }
  const mayLose = needed === 0 && (kind === 'sentinel' || connected >= 2);
  return mayLose ? warning(subject, `${found}: a master that was cut off takes writes that are lost`, ONE_REPLICA) : ok(subject, found);
}

function numberIn(fields: Fields, name: string): number | null {
  const text = fields.get(name);
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

const megabytes = (bytes: number): string => `${(bytes / MEGABYTE).toFixed(1)} MB`;
const limitText = (bytes: number): string => (bytes % MEGABYTE === 0 && bytes > 0 ? `${bytes / MEGABYTE}mb` : String(bytes));
