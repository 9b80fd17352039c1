/** A role in its own process, so that its CPU and memory are its own: starts it, calls its methods, ends it. */

import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Releasers } from '@qrcast/runtime/releasers';
import type { RoleReply, RoleRequest, Usage } from './role-process.ts';

type Method = (...args: never[]) => unknown;
export type Methods<M> = { readonly [K in keyof M]: Method };

/** Methods as the role's file exports them; arguments and results are plain JSON. */
export interface Role<M extends Methods<M>> {
  call<K extends keyof M & string>(method: K, ...args: Parameters<M[K]>): Promise<Awaited<ReturnType<M[K]>>>;
  /** Since its start. */
  usage(): Promise<Usage>;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface RoleOptions {
  /** Flags for Node, as the role is deployed with. */
  readonly nodeFlags?: readonly string[];
  /** Writes a CPU profile named after the role there when the role ends. */
  readonly profileFolder?: string | null;
}

const CLOSE_WITHIN_MS = 10_000;

/** @throws {Error} if the process does not come up. */
export async function openRole<M extends Methods<M>>(
  name: string,
  { profileFolder = null, nodeFlags = [] }: RoleOptions = {},
): Promise<Role<M>> {
  const profile = profileFolder === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`, `--cpu-prof-name=${name}.cpuprofile`];
  const file = fileURLToPath(new URL(join('roles', `${name}.ts`), import.meta.url));
  // What a role logs is no result: it goes to stderr.
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
    // The role's file and this type come from one declaration; JSON between them changes nothing.
    call: (method, ...args) => request(method, args) as ReturnType<Role<M>['call']> as never,
    usage: () => request('usage', []) as Promise<Usage>,
    close: () => (closing ??= endChild(child, ended)),
  };
}

/** One that ends with `releasers`. @throws {Error} if the process does not come up. */
export async function openRoleFor<M extends Methods<M>>(releasers: Releasers, name: string, options?: RoleOptions): Promise<Role<M>> {
  const role = await openRole<M>(name, options);
  releasers.push(name, () => role.close());
  return role;
}

async function endChild(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.connected) child.disconnect();
  const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_WITHIN_MS);
  await ended;
  clearTimeout(timer);
}
