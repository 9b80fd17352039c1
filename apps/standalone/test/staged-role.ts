/**
 * For fault tests: a gateway or worker in a process of its own, behind proxies on both sides. It
 * can be killed, frozen and restarted at the same address, and its clock and its connections to
 * Redis can be tampered with.
 */

import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createUntil } from '@qrcast/gateway/test/recorder';
import type { RedisRole } from '@qrcast/runtime/redis/redis';
import { openTestProxy, type TestProxy, type Which } from '@qrcast/runtime/test/proxy';
import { type Environment, type Program, spawnNode } from './role-process.ts';
import type { ClockReading, ClockShift } from './shift-clock.ts';
import type { Stall } from './watch-stalls.ts';

export type RoleKind = 'gateway' | 'worker';

export interface LogLine {
  readonly level: string | number;
  readonly msg: string;
  /** By the clock of this process, Unix ms; that of the other one may be shifted. */
  readonly readAt: number;
  readonly [field: string]: unknown;
}

export interface Readiness {
  /** 0 if nobody answered. */
  readonly status: number;
  readonly text: string;
}

export interface StagedProcess {
  readonly kind: RoleKind;
  /** The address of `front`, which stays the same over restarts. */
  readonly url: string;
  /** Between its callers and it. */
  readonly front: TestProxy;
  /** Undefined while it is killed. */
  pid(): number | undefined;
  /** Whether it has ended by itself, as for its supervisor. */
  hasEnded(): boolean;
  /** What it has logged over all its lives. */
  lines(): readonly LogLine[];
  /** Resolves to the first line, past or future, that fits. */
  untilLine(fits: (line: LogLine) => boolean): Promise<LogLine>;
  /** When the process did not get the processor, or did not give it away: at its ends, and how long. */
  stalls(): readonly Stall[];
  /** Asks the process itself, past `front`. */
  readyz(): Promise<Readiness>;
  untilReadyz(status: number): Promise<Readiness>;
  /** SIGKILL. Resolves once nothing of it runs any more. */
  kill(): Promise<void>;
  /**
   * Starts it again after it has ended, from now on with these settings changed. Resolves once it is up.
   * @throws {Error} if it ends before
   */
  restart(changed?: Environment): Promise<void>;
  /** SIGTERM. */
  stop(): Promise<void>;
  /** SIGSTOP, and SIGCONT. */
  freeze(): void;
  thaw(): void;
  /** The difference to the machine's clock, ms. A restart ends it. */
  shiftClock(shiftMs: number): Promise<ClockReading>;
  close(): Promise<void>;
}

export interface StagedRole extends StagedProcess {
  /** Between it and Redis. `ofRole` chooses among its connections. */
  readonly redis: TestProxy;
}

/** BullMQ's blocking connections have names of their own. */
export type ConnectionRole = RedisRole | 'blocking';

const ROLE_NAME = /^qrcast-(\w+)$/;

export function ofRole(role: ConnectionRole): Which {
  return (name) => (ROLE_NAME.exec(name)?.[1] ?? 'blocking') === role;
}

const MAINS = { gateway: '@qrcast/gateway/main', worker: '@qrcast/worker/main' } as const;
const IS_UP = { gateway: /"port":(\d+).*gateway listens/, worker: /"port":(\d+).*worker is up/ } as const;
const PRELOADS = [new URL('./shift-clock.ts', import.meta.url), new URL('./report-stalls.ts', import.meta.url)];
const ASK_AGAIN_MS = 50;
const LAST_LINES = 20;
/** A frozen process answers nothing. */
const ANSWER_WITHIN_MS = 3_000;
/** Less than a test may take, whose end would not say what was awaited. */
const READY_WITHIN_MS = 240_000;

export interface StagedRoleOptions {
  readonly kind: RoleKind;
  /** Without `PORT`, `REDIS_URL` and `QRCAST_PUBLIC_URL`. */
  readonly env: Environment;
  readonly redisUrl: string;
}

/** Resolves once it is up. Its Redis is one server. */
export async function openStagedRole(options: StagedRoleOptions): Promise<StagedRole> {
  const behind = new URL(options.redisUrl);
  const redis = await openTestProxy(Number(behind.port));
  behind.port = String(redis.port);
  const staged = await openStagedProcess({ ...options, redisUrl: behind.href });
  async function close(): Promise<void> {
    redis.thaw();
    await staged.close();
    await redis.close();
  }
  return { ...staged, redis, close };
}

/** Resolves once it is up. Its Redis is whatever the URL says, and nothing is between them. */
// One closure: its methods share the process that runs now.
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: a method for each thing that a test does to the process.
export async function openStagedProcess({ kind, env, redisUrl }: StagedRoleOptions): Promise<StagedProcess> {
  let port = 0;
  let program: Program | null = null;
  const lines: LogLine[] = [];
  const stalls: Stall[] = [];
  const clocks: ClockReading[] = [];
  const { until, look } = createUntil(() => `the ${kind} logged ${JSON.stringify(lines.slice(-LAST_LINES).map(({ msg }) => msg))}`);
  const front = await openTestProxy(() => port);
  const url = `http://127.0.0.1:${front.port}`;
  let ownEnv: Environment = { ...env, PORT: '0', REDIS_URL: redisUrl, ...(kind === 'gateway' ? { QRCAST_PUBLIC_URL: url } : {}) };

  async function start(): Promise<void> {
    const main = fileURLToPath(import.meta.resolve(MAINS[kind]));
    const started = spawnNode([...PRELOADS.map(({ href }) => `--import=${href}`), main], ownEnv, undefined, 'ipc');
    createInterface(started.child.stdout ?? Readable.from([])).on('line', (text) => {
      const line = parseLine(text);
      if (line !== null) lines.push(line);
      look();
    });
    started.child.on('message', (message: Stall | ClockReading) => {
      if ('lateMs' in message) stalls.push(message);
      else clocks.push(message);
      look();
    });
    program = started;
    port = Number((await started.until(IS_UP[kind]))[1]);
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = program;
    program = null;
    if (ending === null || hasExited(ending)) return;
    const ended = once(ending.child, 'close');
    ending.child.kill('SIGCONT'); // a stopped process takes no other signal but SIGKILL
    ending.child.kill(signal);
    await ended;
  }

  async function readyz(): Promise<Readiness> {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
      return { status: response.status, text: await response.text() };
    } catch {
      return { status: 0, text: '' }; // it is killed or frozen
    }
  }

  function running(): Program {
    if (program === null) throw new Error(`the ${kind} does not run; restart it first`);
    return program;
  }

  await start();
  return {
    kind,
    url,
    front,
    pid: () => program?.pid,
    hasEnded: () => program !== null && hasExited(program),
    lines: () => lines,
    stalls: () => stalls,
    untilLine: (fits) => until(() => lines.find(fits)),
    readyz,
    async untilReadyz(status) {
      const endsAt = performance.now() + READY_WITHIN_MS;
      for (;;) {
        const readiness = await readyz();
        if (readiness.status === status) return readiness;
        if (performance.now() > endsAt) throw new Error(`the ${kind} should answer ${status}, and answers: ${readiness.text}`);
        await delay(ASK_AGAIN_MS);
      }
    },
    kill: () => end('SIGKILL'),
    restart(changed) {
      ownEnv = { ...ownEnv, ...changed };
      return start();
    },
    stop: () => end('SIGTERM'),
    freeze: () => void running().child.kill('SIGSTOP'),
    thaw: () => void running().child.kill('SIGCONT'),
    async shiftClock(shiftMs) {
      clocks.length = 0;
      running().child.send({ shiftMs } satisfies ClockShift);
      return until(() => clocks[0]);
    },
    async close() {
      await end('SIGTERM');
      await front.close();
    },
  };
}

function hasExited({ child }: Program): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function parseLine(text: string): LogLine | null {
  try {
    return { ...(JSON.parse(text) as LogLine), readAt: performance.timeOrigin + performance.now() }; // pino wrote it
  } catch {
    return null; // a line of Node itself
  }
}
