/**
 * For tests: runs the commands of a systemd unit of `infra/systemd` as ordinary processes, with what the
 * unit gives them. The tests do not run under systemd, so its hardening is not in force here.
 */

import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { BASE_ENVIRONMENT } from './base-environment.ts';
import { type Program, spawnNode } from './role-process.ts';

export interface Unit {
  /** All values of a setting, in order. Of several files that add to one, each is a value. */
  all(setting: string): readonly string[];
  /** @throws {Error} if it does not stand there once */
  one(setting: string): string;
}

export interface UnitPlace {
  /** After the @ of its name. */
  readonly instance: string;
  /** Stands for `/`: what the unit names in `/etc` and `/var` is below it. */
  readonly root: string;
  /** Stands for `/opt/qrcast`. */
  readonly tree: string;
}

export interface RunningUnit extends Program {
  /** Runs `ExecStartPost`. Resolves when the unit counts as started. @throws {Error} if it fails */
  started(): Promise<void>;
}

export function parseUnit(text: string): Unit {
  const lines = text.split('\n').filter((line) => /^\w+=/.test(line));
  const all = (setting: string): string[] =>
    lines.flatMap((line) => (line.startsWith(`${setting}=`) ? [line.slice(setting.length + 1)] : []));
  return {
    all,
    one(setting) {
      const [value, ...more] = all(setting);
      if (value === undefined || more.length > 0) throw new Error(`expected ${setting} once`);
      return value;
    },
  };
}

/** Ours have one line for each variable, without quotes and continued lines. */
export function parseEnvironmentFile(text: string): Record<string, string> {
  const pairs = text.split('\n').flatMap((line) => /^(\w+)=(.*)$/.exec(line)?.slice(1) ?? []);
  return Object.fromEntries(pairs.flatMap((name, i) => (i % 2 === 0 ? [[name, pairs[i + 1] ?? '']] : [])));
}

/** Starts what `ExecStart` says. */
export function startUnit(unit: Unit, { instance, root, tree }: UnitPlace): RunningUnit {
  const credentials = join(root, 'credentials', `${instance}`);
  mkdirSync(credentials, { recursive: true });
  const placed = (value: string): string =>
    value
      .replaceAll('%i', instance)
      .replaceAll('%d', credentials)
      .replaceAll('/opt/qrcast', tree)
      .replaceAll(/(?<=^|:)\/(?=etc\/|var\/)/g, `${root}/`);
  for (const credential of unit.all('LoadCredential')) {
    const [name = '', file = ''] = placed(credential).split(':');
    copyFileSync(file, join(credentials, name));
  }
  const [, ...args] = words(placed(unit.one('ExecStart'))); // it is the Node that runs these tests, or one like it
  const cwd = placed(unit.one('WorkingDirectory'));
  mkdirSync(cwd, { recursive: true });
  const program = spawnNode(args, environmentOf(unit, placed), cwd);
  return {
    ...program,
    async started() {
      const [curl = '', ...rest] = words(placed(unit.one('ExecStartPost')));
      await promisify(execFile)(basename(curl), rest, { env: BASE_ENVIRONMENT });
    },
  };
}

/** As with systemd, the files win. */
function environmentOf(unit: Unit, placed: (value: string) => string): Record<string, string> {
  const given = unit.all('Environment').map((value) => parseEnvironmentFile(placed(value)));
  const read = unit.all('EnvironmentFile').map((value) => parseEnvironmentFile(readFileSync(placed(value), 'utf8')));
  return Object.assign({}, ...given, ...read);
}

function words(command: string): string[] {
  if (/["'\\$]/.test(command)) throw new Error(`expected a command without quotes and variables: ${command}`);
  return command.split(/\s+/);
}
