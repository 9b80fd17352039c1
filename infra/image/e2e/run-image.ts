/**
 * For tests: runs a command of the image as a container would, without a daemon: with an id space
 * of its own, where it is the first process, a root that it cannot write, and the image's own user,
 * variables and entry point. It has the network of the machine.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../src/run.ts';

export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly StopSignal: string;
  readonly Healthcheck: { readonly Test: readonly string[] };
}

export interface MountedImage {
  readonly config: ImageConfig;
  /** Its root file system. */
  readonly root: string;
  /** Runs `argv` instead of the entry point if it is given. */
  start(command: readonly string[], env?: Readonly<Record<string, string>>, argv?: readonly string[]): ChildProcess;
  close(): void;
}

/** `$0` is the root, `$1` the user. */
const CONTAIN = `
mount --make-rprivate / && mount --bind "$0" "$0" && mount -t proc proc "$0/proc" && mount -o remount,ro,bind "$0" &&
mount -t tmpfs tmpfs "$0/tmp" && user=$1 && shift && exec chroot --userspec="$user" "$0" "$@"`;

export function mountImage(tag: string): MountedImage {
  const container = run('buildah', ['from', '--pull-never', tag]).trim();
  const root = run('buildah', ['mount', container]).trim();
  mkdirSync(join(root, 'proc'), { recursive: true });
  const inspected = JSON.parse(run('buildah', ['inspect', '--type', 'image', tag])) as { Docker: { config: ImageConfig } };
  const { config } = inspected.Docker;
  return {
    config,
    root,
    start(command, env = {}, argv = config.Entrypoint) {
      const own = Object.fromEntries(config.Env.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]));
      const [program = '', ...args] = argv;
      const inside = [`${own['PATH']}/${program}`, ...args, ...command]; // no shell looks it up
      const outside = ['--mount', '--pid', '--fork', '--kill-child', '/bin/sh', '-c', CONTAIN, root, config.User, ...inside];
      return spawn('/usr/bin/unshare', outside, { env: { ...own, PATH: '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...env } });
    },
    close() {
      run('buildah', ['rm', container]);
    },
  };
}
