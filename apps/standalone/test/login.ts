/**
 * For tests: runs the command itself, started by a program or at a terminal of its own (`script` of
 * util-linux).
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BASE_ENVIRONMENT } from './base-environment.ts';
import { createScreen, type Screen } from './screen.ts';

const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url));
const SCRIPT = '/usr/bin/script';

export const hasTerminals = process.platform === 'linux' && existsSync(SCRIPT);

/** Polls as fast as the provider allows. Codes stay, however slow the machine is. */
const QUICK = { QRCAST_POLL_INTERVAL_MS: '1500', QRCAST_CODE_TTL_MS: '120000' };

export interface LoginOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** It is closed at once if this is not given. */
  readonly stdin?: 'open';
}

export interface LoginRun {
  /** The process id of the command. */
  pid(): number;
  readonly stdin: ChildProcess['stdin'];
  /** The text of stdout and stderr. At a terminal, both are one. */
  output(): string;
  errors(): string;
  /**
   * Resolves once `fits` returns true. It is called after each output. Rejects if the command ends
   * before.
   */
  until(fits: () => boolean): Promise<void>;
  readonly ended: Promise<number | null>;
  /** The folder where it runs and puts its temporary files. */
  readonly folder: string;
  /** Closes the reading end of the output. */
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
  // In a session of its own it has no controlling terminal, so it does not ask at the terminal of
  // the tests.
  const child = spawn(process.execPath, [CLI, ...args], { cwd: folder, env: environment(folder, env), detached: true });
  if (stdin === undefined) child.stdin.end();
  return follow(child, folder, () => child.pid ?? 0);
}

/** @param shell what to run; `$QRCAST` is the command */
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
  return { ...BASE_ENVIRONMENT, TMPDIR: folder, ...QUICK, ...env };
}

/** A command is killed only if it hangs. */
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
      // It is asked first. If it were killed at once, its Redis would outlive it for a moment.
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), END_WITHIN_MS);
      await ended;
      clearTimeout(timer);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * @returns the processes that this one has started and that still run. Reads /proc, so Linux only.
 */
export function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/).filter(Boolean).map(Number);
}

/** Resolves once the processes have ended. One whose status nobody has read yet counts as ended. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false; // no such process
  }
}

/** For processes that were killed and that nobody waits for. */
export async function untilGone(pids: readonly number[]): Promise<void> {
  while (pids.some(isRunning)) await new Promise(setImmediate);
}
