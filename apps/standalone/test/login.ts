/** For tests: the command itself, as a program starts it or at a terminal of its own (made by util-linux's `script`). */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createScreen, type Screen } from './screen.ts';

const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url));
const SCRIPT = '/usr/bin/script';

export const hasTerminals = process.platform === 'linux' && existsSync(SCRIPT);

/** Polls as fast as the provider allows; codes that stay, however slow the machine is. */
const QUICK = { QRCAST_POLL_INTERVAL_MS: '1500', QRCAST_CODE_TTL_MS: '120000' };

export interface LoginOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Closed at once if not given. */
  readonly stdin?: 'open';
}

export interface LoginRun {
  /** The command's own. */
  pid(): number;
  readonly stdin: ChildProcess['stdin'];
  /** What stdout and stderr got; at a terminal they are one. */
  output(): string;
  errors(): string;
  /** Resolves once `fits`, looked at after each output; rejects if the command ends before. */
  until(fits: () => boolean): Promise<void>;
  readonly ended: Promise<number | null>;
  /** Where it runs, and puts its temporary files. */
  readonly folder: string;
  /** As a reader does that has seen enough. */
  closeOutput(): void;
  /** Ends the command if it still runs, and removes the folder. */
  clean(): Promise<void>;
}

export interface TerminalRun extends Omit<LoginRun, 'until'> {
  readonly screen: Screen;
  until(fits: (screen: Screen) => boolean): Promise<void>;
  resize(columns: number, rows: number): void;
}

export async function startLogin(args: readonly string[], { env = {}, stdin }: LoginOptions = {}): Promise<LoginRun> {
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-cli-'));
  // A session of its own has no controlling terminal: nobody is asked at the terminal the tests run in.
  const child = spawn(process.execPath, [CLI, ...args], { cwd: folder, env: environment(folder, env), detached: true });
  if (stdin === undefined) child.stdin.end();
  return follow(child, folder, () => child.pid ?? 0);
}

/** `shell`: what to run; `$QRCAST` is the command. */
export async function startAtTerminal(
  shell: string,
  {
    columns = 80,
    rows = 24,
    env = {},
  }: { readonly columns?: number; readonly rows?: number; readonly env?: Readonly<Record<string, string>> },
): Promise<TerminalRun> {
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-cli-'));
  const screen = createScreen(columns, rows);
  const first = `stty cols ${columns} rows ${rows}; echo "$$ $(tty)"; ${shell}`;
  const child = spawn(SCRIPT, ['-qefc', first, '/dev/null'], {
    env: { ...environment(folder, env), SHELL: '/bin/sh', TERM: 'xterm-256color', QRCAST: `${process.execPath} ${CLI}` },
    detached: true,
  });
  const said = Promise.withResolvers<{ pid: number; tty: string }>();
  let head = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (/\n/.test(head)) return screen.write(text);
    head += text;
    const [, pid, tty, rest] = /^(\d+) (\S+)\r\n(.*)/s.exec(head) ?? [];
    if (pid === undefined || tty === undefined) return;
    screen.write(rest ?? '');
    said.resolve({ pid: Number(pid), tty });
  });
  const run = follow(child, folder, () => pid);
  const { pid, tty } = await Promise.race([said.promise, run.ended.then(() => Promise.reject(new Error(`no terminal: ${run.output()}`)))]);
  return {
    ...run,
    screen,
    until: (fits) => run.until(() => fits(screen)),
    resize(nextColumns, nextRows) {
      screen.resize(nextColumns, nextRows);
      execFileSync('stty', ['-F', tty, 'cols', String(nextColumns), 'rows', String(nextRows)]);
    },
  };
}

function environment(folder: string, env: Readonly<Record<string, string>>): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', TMPDIR: folder, ...QUICK, ...env };
}

/** Only what hangs is killed. */
const END_WITHIN_MS = 120_000;

function follow(child: ChildProcess, folder: string, pid: () => number): LoginRun {
  const written = { stdout: '', stderr: '' };
  const looking = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      written[name] += text;
      for (const look of looking) look();
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', (status) => resolve(status)));
  const output = (): string => written.stdout;
  return {
    pid,
    stdin: child.stdin,
    output,
    errors: () => written.stderr,
    ended,
    folder,
    closeOutput: () => void child.stdout?.destroy(),
    async until(fits) {
      const found = Promise.withResolvers<void>();
      const look = (): void => (fits() ? found.resolve() : undefined);
      looking.add(look);
      look();
      const early = ended.then((status) => {
        if (!fits()) throw new Error(`the command ended with ${status} before that:\n${written.stdout}\n${written.stderr}`);
      });
      await Promise.race([found.promise, early]).finally(() => looking.delete(look));
    },
    async clean() {
      // Asked first: killed at once, it would be outlived by its Redis for a moment.
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), END_WITHIN_MS);
      await ended;
      clearTimeout(timer);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Processes started by this one, as Linux tells them. */
export function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/).filter(Boolean).map(Number);
}

/** One that has ended counts as gone, though nobody may have asked for its status yet. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false; // no such process
  }
}

/** For what was killed, and is not waited for by anybody. */
export async function untilGone(pids: readonly number[]): Promise<void> {
  while (pids.some(isRunning)) await new Promise(setImmediate);
}
