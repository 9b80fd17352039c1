/** For tests: runs the commands of an operator, for people and for programs, with good and wrong keys. */

import type { LeakHunt } from './leak-hunt.ts';
import { hasTerminals, startAtTerminal, startLogin } from './login.ts';
import type { Environment } from './role-process.ts';
import { printedBy } from './shown-places.ts';

/** What each command has printed, by a name for it. */
export type Printed = ReadonlyMap<string, string>;

export interface CommandOptions {
  /** Of a gateway. */
  readonly url: string;
  readonly adminKey: string;
  readonly apiKey: string;
}

type Run = readonly [name: string, words: readonly string[], env: Environment];

/** The name in the hunt of a secret that a command has made. It is printed once. */
export const isMadeByCommand = (name: string): boolean => name.startsWith('made by a command');

/** Each runs as it is, and with `--json`. */
async function printAll(runs: readonly Run[]): Promise<Printed> {
  const printed = new Map<string, string>();
  for (const [name, words, env] of runs) {
    const [text, json] = await Promise.all([printedBy(words, env), printedBy([...words, '--json'], env)]);
    printed.set(name, text).set(`${name} --json`, json);
  }
  return printed;
}

/** @param env of a process that works, and one in which each secret setting is wrong */
export async function printDoctor(env: { readonly fit: Environment; readonly faulty: Environment }): Promise<Printed> {
  return printAll([
    ['doctor', ['doctor'], env.fit],
    ['doctor with faults', ['doctor'], env.faulty],
  ]);
}

/** @param keysOf a tenant that exists */
export async function printTenants(hunt: LeakHunt, { url, adminKey }: CommandOptions, keysOf: string): Promise<Printed> {
  const gateway = ['--gateway', url];
  const env = { QRCAST_ADMIN_KEY: adminKey };
  const made = new Map<string, string>();
  for (const words of [
    ['add', 'by-command', '--name', 'By a command'],
    ['keys', 'add', 'by-command'],
  ]) {
    const text = await printedBy(['tenants', ...words, '--json', ...gateway], env);
    for (const [, name, secret = ''] of text.matchAll(/"(apiKey|webhookToken|callbackSecret)":"([^"]+)"/g))
      hunt.add(`made by a command: ${name} of ${words[0]}`, secret);
    made.set(`tenants ${words[0]} --json`, text);
  }
  const others = await printAll([
    ['tenants list', ['tenants', 'list', ...gateway], env],
    ['tenants keys list', ['tenants', 'keys', 'list', keysOf, ...gateway], env],
    ['tenants suspend', ['tenants', 'suspend', 'by-command', ...gateway], env],
    ['tenants list with a wrong key', ['tenants', 'list', ...gateway], { QRCAST_ADMIN_KEY: `${adminKey}x` }],
  ]);
  return new Map([...made, ...others]);
}

/** @param sessionId of a live session of the tenant */
export async function printTop(options: CommandOptions, sessionId: string): Promise<Printed> {
  const { url, adminKey, apiKey } = options;
  const top = ['top', '--gateway', url];
  const printed = await printAll([
    ['top --once', [...top, '--once'], { QRCAST_API_KEY: apiKey }],
    ['top --all --once', [...top, '--all', '--once'], { QRCAST_ADMIN_KEY: adminKey }],
    ['top with a wrong key', top, { QRCAST_API_KEY: `${apiKey}x` }],
    ['top --all with a wrong key', [...top, '--all'], { QRCAST_ADMIN_KEY: `${adminKey}x` }],
  ]);
  const followed = await followedBy([...top, '--all', '--json'], { QRCAST_ADMIN_KEY: adminKey }, sessionId);
  const live = hasTerminals ? [['top at a terminal', await shownBy(options, sessionId)] as const] : [];
  return new Map([...printed, ['top --all --json', followed], ...live]);
}

/** Follows until it tells of the session. */
async function followedBy(words: readonly string[], env: Environment, sessionId: string): Promise<string> {
  const run = await startLogin(words, { env });
  await run.until(() => run.output().includes(sessionId));
  await run.clean();
  return `${run.output()}${run.errors()}`;
}

/** Looks until it shows the session. Resolves to all that the terminal was sent. */
async function shownBy({ url, adminKey }: CommandOptions, sessionId: string): Promise<string> {
  const run = await startAtTerminal(`exec $QRCAST top --all --gateway ${url}`, {
    columns: 160,
    rows: 60,
    env: { QRCAST_ADMIN_KEY: adminKey },
  });
  await run.until(({ lines }) => lines.some((line) => line.includes(sessionId)));
  run.stdin?.write('q');
  await run.ended;
  await run.clean();
  return run.output();
}
