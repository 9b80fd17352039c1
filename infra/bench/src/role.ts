/**
 * Starts a role in a process of its own, so that its CPU time and memory can be measured; calls its
 * methods, and ends it.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Releasers } from '@qrcast/runtime/releasers';
import type { Memory, RoleReply, RoleRequest, Usage } from './role-process.ts';

type Method = (...args: never[]) => unknown;
export type Methods<M> = { readonly [K in keyof M]: Method };

/** The methods that the role's file declares. Their arguments and results are plain JSON. */
export interface Role<M extends Methods<M>> {
  call<K extends keyof M & string>(method: K, ...args: Parameters<M[K]>): Promise<Awaited<ReturnType<M[K]>>>;
  /** What the process has used since its start. */
  usage(): Promise<Usage>;
  /** The longest time since the last call that the process was at one task, ms. The first call begins. */
  stallMs(): Promise<number>;
  /** Collects garbage first. Needs the flag `--expose-gc`. */
  memory(): Promise<Memory>;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface RoleOptions {
  /** The flags of Node that the role is deployed with. */
  readonly nodeFlags?: readonly string[];
  /** When the role ends, it writes profiles of its CPU time and its heap with its name into this folder. */
  readonly profileFolder?: string | null;
}

const CLOSE_WITHIN_MS = 10_000;

/** @throws {Error} if the process does not come up */
export async function openRole<M extends Methods<M>>(
  name: string,
  { profileFolder = null, nodeFlags = [] }: RoleOptions = {},
): Promise<Role<M>> {
  const profile = profileFolder === null ? [] : profileFlags(profileFolder, name);
  const file = fileURLToPath(new URL(join('roles', `${name}.ts`), import.meta.url));
  // The logs of a role are not results, so they go to stderr.
  const child = fork(file, { execArgv: [...nodeFlags, ...profile], stdio: ['ignore', process.stderr, process.stderr, 'ipc'] });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  const up = Promise.withResolvers<void>();
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let lastId = 0;
  child.on('message', (message: RoleReply) => {
    if (message.kind === 'up') return up.resolve();
    const call = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.kind === 'result') call?.resolve(message.value);
    else call?.reject(new Error(`role ${name}: ${message.error}`));
  });
  void ended.then(() => {
    const error = new Error(`role ${name} has ended`);
    up.reject(error);
    for (const call of waiting.values()) call.reject(error);
  });

  function request(method: string, args: readonly unknown[]): Promise<unknown> {
    const id = ++lastId;
    return new Promise((resolve, reject) => {
      if (!child.connected) return reject(new Error(`role ${name} has ended`));
      waiting.set(id, { resolve, reject });
      child.send({ id, method, args } satisfies RoleRequest);
    });
  }

  await up.promise;
  let closing: Promise<void> | null = null;
  return {
    // The role's file declares this type, and JSON does not change the values.
    call: (method, ...args) => request(method, args) as ReturnType<Role<M>['call']> as never,
    usage: () => request('usage', []) as Promise<Usage>,
    stallMs: () => request('stallMs', []) as Promise<number>,
    memory: () => request('memory', []) as Promise<Memory>,
    close: () => (closing ??= endChild(child, ended)),
  };
}

/** Opens a role that `releasers` closes. @throws {Error} if the process does not come up */
export async function openRoleFor<M extends Methods<M>>(releasers: Releasers, name: string, options?: RoleOptions): Promise<Role<M>> {
  const role = await openRole<M>(name, options);
  releasers.push(name, () => role.close());
  return role;
}

function profileFlags(folder: string, name: string): readonly string[] {
  const [cpu, heap] = [`--cpu-prof-name=${name}.cpuprofile`, `--heap-prof-name=${name}.heapprofile`];
  return ['--cpu-prof', `--cpu-prof-dir=${folder}`, cpu, '--heap-prof', `--heap-prof-dir=${folder}`, heap];
}

async function endChild(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.connected) child.disconnect();
  const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_WITHIN_MS);
  await ended;
  clearTimeout(timer);
}
