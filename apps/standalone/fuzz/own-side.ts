/** The local edges: the environment of the roles, the files that they read, and piped input. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { readSettings, SettingsError } from '@qrcast/runtime/process/settings';
import { SETTINGS, type SettingName } from '@qrcast/runtime/process/settings-table';
import fc from 'fast-check';
import { createInput } from '../src/login/input.ts';
import { openSecrets } from '../src/login/secrets.ts';
import { openHome } from '../src/start/home.ts';
import { type Environment, spawnRole } from '../test/role-process.ts';
import { type Damage, damaged, damages } from './bytes.ts';
import type { Edge, Seen } from './run-edge.ts';
import { hostileText, render, type Text } from './values.ts';

const NAMES = Object.keys(SETTINGS) as SettingName[]; // the table's own

interface Variable {
  readonly name: SettingName;
  readonly text: Text;
}

const variables: fc.Arbitrary<readonly Variable[]> = fc.array(fc.record({ name: fc.constantFrom(...NAMES), text: hostileText }), {
  minLength: 1,
  maxLength: 4,
});

/** An environment cannot hold NUL. Every value contains `planted`, because any may be a secret. */
const environmentOf = (all: readonly Variable[], planted: string): Environment =>
  Object.fromEntries(all.map(({ name, text }) => [name, `${render(text).slice(0, 20_000)}${planted}`.replaceAll('\0', '')]));

const told = (text: string): Seen => ({ statuses: [], text, isSettled: true });

/** @param read the function under test. It may refuse only with a `SettingsError`. */
export function settingsEdge(
  planted: string,
  read: (env: Environment) => unknown = (env) => readSettings(env, NAMES),
): Edge<readonly Variable[]> {
  return {
    name: 'environment',
    isBeside: true,
    input: variables,
    async send(all) {
      try {
        read(environmentOf(all, planted));
        return told('');
      } catch (error) {
        if (error instanceof SettingsError) return told(error.message);
        throw error;
      }
    },
  };
}

/**
 * Tries a whole process. It must start, or end with status 1 and a message without a stack.
 *
 * @param env an environment with which it starts
 * @param spawn starts the program under test
 */
export function roleEnvironmentEdge(
  planted: string,
  env: Environment,
  spawn: typeof spawnRole = spawnRole,
): Edge<{ readonly role: 'gateway' | 'worker'; readonly all: readonly Variable[] }> {
  return {
    name: 'environment of a process',
    isBeside: true,
    input: fc.record({ role: fc.constantFrom('gateway', 'worker'), all: variables }),
    batchSize: 2,
    async send({ role, all }) {
      const program = spawn(role, { ...env, ...environmentOf(all, planted) });
      const isUp = await program.until(/gateway listens|worker is up/).then(
        () => true,
        () => false, // it has ended, which is checked below
      );
      await program.stop();
      const output = program.output();
      const status = program.child.exitCode;
      if (!isUp && (status !== 1 || /\n {4}at |an uncaught error/.test(output)))
        throw new Error(`it ended with ${status}: ${output.slice(-1_000)}`);
      return told(output);
    },
  };
}

interface FileInput {
  readonly what: 'keys' | 'lock' | 'password file' | 'token file' | 'piped';
  readonly text: Text;
  readonly damages: readonly Damage[];
}

const KEYS = JSON.stringify({ secretKeys: `start:${'A'.repeat(44)}`, apiKey: 'qk_1', webhookToken: 'wt_1' });

const fileInput: fc.Arbitrary<FileInput> = fc.record({
  what: fc.constantFrom('keys', 'lock', 'password file', 'token file', 'piped'),
  text: fc.oneof(hostileText, fc.constant({ before: '', middle: KEYS, after: '', times: 0 })),
  damages,
});

/**
 * Tries any content of a file. It must be used, or refused with a message that repeats nothing of
 * it.
 *
 * @param read the function under test
 */
export function fileEdge(planted: string, read: typeof readOne = readOne): Edge<FileInput> {
  return {
    name: 'files and piped input',
    isBeside: true,
    input: fileInput,
    async send({ what, text, damages: wounds }) {
      const folder = mkdtempSync(join(tmpdir(), 'qrcast-fuzz-'));
      const bytes = Buffer.from(damaged(render(text), wounds) + planted, 'latin1');
      try {
        await read(what, folder, bytes);
        return told('');
      } catch (error) {
        if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError)
          throw error;
        return told(error.message);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

async function readOne(what: FileInput['what'], folder: string, bytes: Buffer): Promise<void> {
  if (what === 'keys' || what === 'lock') {
    writeFileSync(join(folder, what === 'keys' ? 'keys.json' : 'lock'), bytes);
    return openHome(folder).close();
  }
  const file = join(folder, 'secret');
  writeFileSync(file, bytes);
  const input = createInput({
    stdin: Readable.from([bytes.subarray(0, bytes.length >> 1), bytes.subarray(bytes.length >> 1)]),
    onInterrupt: () => undefined,
  });
  const none = {
    GREEN_API_TOKEN: undefined,
    QRCAST_API_KEY: undefined,
    QRCAST_ADMIN_KEY: undefined,
    QRCAST_ACCOUNT_PASSWORD: undefined,
    QRCAST_WEBHOOK_TOKEN: undefined,
  };
  const nobody = { takeKeyboard: () => undefined, typed: async () => null, piped: input.piped, hasTerminal: false };
  const secrets = await openSecrets(
    { variables: none, input: nobody, ask: () => undefined },
    { instanceId: '1101000001', tokenFile: what === 'token file' ? file : '-', passwordFile: what === 'password file' ? file : undefined },
  );
  const { signal } = new AbortController();
  try {
    if (what === 'password file') secrets.passwords.given();
    else if (what === 'piped') while ((await secrets.passwords.next(signal)) !== null);
    else await secrets.token(signal);
  } finally {
    input.close();
  }
}
