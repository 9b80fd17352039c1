/**
 * Every command that qrcast and BullMQ 6 send to Redis, by themselves or in a script, as calls that
 * change nothing. start-check.ts makes them, and a test compares them with what Redis counted over
 * whole logins.
 */

type Call = readonly [command: string, ...args: (string | number)[]];

/** A key that a killed check leaves behind goes by itself. */
const KEEP_MS = 60_000;

/**
 * `key` does not exist before or after. Meanwhile it holds a string, so the commands of other types
 * end with WRONGTYPE and write nothing.
 */
export const neededCalls = (key: string): readonly Call[] => [
  ['SET', key, '1', 'PX', KEEP_MS],
  ...callsOf(READS, key),
  ...callsOf(WRITES, key),
  ['SCAN', 0, 'COUNT', 1],
  ['TIME'],
  ['PING'],
  ['CLIENT', 'SETNAME', 'qrcast-start-check'],
  ['EVAL', 'return 1', 0],
  ['EVALSHA', '0'.repeat(40), 0],
  ['PEXPIREAT', key, Date.now() + KEEP_MS],
  ['PEXPIRE', key, KEEP_MS],
  ['DEL', key],
];

/** Sent last: without EXEC the connection is of no more use. */
export const TRANSACTION_COMMANDS = ['MULTI', 'EXEC'] as const;
/** To publish, to subscribe, and to end that. */
export const CHANNEL_COMMANDS = {
  server: ['PUBLISH', 'SUBSCRIBE', 'UNSUBSCRIBE'],
  cluster: ['SPUBLISH', 'SSUBSCRIBE', 'SUNSUBSCRIBE'],
} as const;
/** What a cluster needs besides. */
export const CLUSTER_CALLS = [
  ['CLUSTER', 'SLOTS'],
  ['CLUSTER', 'INFO'],
] as const;

/** The names of all that one server needs. That of a subcommand has two words. */
export const neededCommands = (): string[] => [
  ...[...neededCalls(''), blockingCall('')].map(nameOf),
  ...CHANNEL_COMMANDS.server,
  ...TRANSACTION_COMMANDS,
];

export const nameOf = ([command, ...args]: Call): string => (command === 'CLIENT' ? `${command} ${args[0]}` : command);

/** The command with which BullMQ waits for jobs. Nothing is at this key, so it waits a moment. */
export const blockingCall = (key: string): Call => ['BZPOPMIN', key, 0.01];

const callsOf = (calls: readonly string[], key: string): Call[] =>
  calls.map((call) => {
    const [command = '', ...args] = call.split(' ');
    return [command, key, ...args.map((arg) => (arg === 'key' ? key : arg))];
  });

const READS = [
  ...['EXISTS', 'GET', 'PTTL', 'TYPE', 'HGETALL', 'HKEYS', 'HGET f', 'HMGET f', 'HEXISTS f'],
  ...['LLEN', 'LINDEX 0', 'LPOS e', 'LRANGE 0 0', 'SCARD', 'SISMEMBER m', 'SMEMBERS'],
  ...['ZCARD', 'ZSCORE m', 'ZCOUNT 0 0', 'ZRANGE 0 0', 'ZRANGEBYSCORE 0 0', 'ZREVRANGE 0 0', 'ZREVRANGEBYSCORE 0 0'],
  ...['ZREVRANK m', 'ZSCAN 0', 'XREVRANGE + -'],
];

const WRITES = [
  ...['INCR', 'PERSIST', 'HSET f v', 'HMSET f v', 'HSETNX f v', 'HDEL f', 'HINCRBY f 1'],
  ...['LPUSH e', 'RPUSH e', 'LPOP', 'RPOP', 'LREM 0 e', 'LTRIM 0 0', 'RPOPLPUSH key', 'SADD m', 'SREM m'],
  ...['ZADD 1 m', 'ZREM m', 'ZPOPMIN', 'ZUNIONSTORE 1 key', 'ZREMRANGEBYRANK 0 0', 'ZREMRANGEBYSCORE 0 0', 'XADD * f v', 'XTRIM MAXLEN 0'],
];
