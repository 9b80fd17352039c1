/** `qrcast login` without a terminal, with its private gateway and the simulated provider. */

import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { findRedisProgram } from '@qrcast/runtime/redis/redis-server';
import type { Instance } from '@qrcast/simulator/instance';
import { openSimulator, type Simulator } from '@qrcast/simulator/simulator';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { childrenOf, isRunning, type LoginOptions, type LoginRun, startLogin, untilGone } from '../test/login.ts';
import { createScreen } from '../test/screen.ts';

interface JsonEvent {
  readonly event: string;
  readonly state?: string;
  readonly code?: { readonly text: string | null; readonly image?: string } | null;
  readonly startedAt?: number;
  readonly [field: string]: unknown;
}

let simulator: Simulator;
beforeAll(async () => {
  simulator = await openSimulator({ rotateMs: 4_000 });
});
afterAll(() => simulator.close());

const runs: LoginRun[] = [];
afterEach(async () => {
  for (const run of runs.splice(0)) await run.clean();
});

async function login(instance: Instance, args: readonly string[] = [], options: LoginOptions = {}): Promise<LoginRun> {
  const env = { GREEN_API_TOKEN: instance.apiToken, ...options.env };
  const run = await startLogin(['login', '--id', instance.idInstance, '--api-url', simulator.url, ...args], { ...options, env });
  runs.push(run);
  return run;
}

function eventsOf(run: LoginRun): JsonEvent[] {
  return run
    .output()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as JsonEvent);
}

const isShowing = (run: LoginRun) => (): boolean => run.output().includes('"state":"showing"');

/**
 * @returns the text that a phone reads in the printed lines, on a terminal with a dark background
 */
function readPrinted(output: string): string | null {
  const screen = createScreen(80, 200);
  screen.write(output.replaceAll('\n', '\r\n'));
  return screen.readCode('dark');
}

describe('qrcast login', () => {
  it('draws the code, says "connected" after a scan, and leaves nothing behind', async () => {
    const instance = simulator.createInstance();
    const run = await login(instance);
    await run.until(() => run.output().includes('Scan it in MAX'));
    const read = readPrinted(run.output());
    expect(read).toMatch(/^https:\/\/max\.ru\/:auth\//);
    expect(run.output()).not.toContain('\x1b');
    expect(run.output().split('Scan it in MAX')).toHaveLength(2); // each code once
    const children = childrenOf(run.pid());
    expect(children).toHaveLength(1); // the private Redis
    instance.scan();
    expect(await run.ended).toBe(0);
    expect(run.output()).toMatch(new RegExp(`Connected: \\+${instance.phone}\\.\\n$|Connected\\.\\n$`));
    expect(run.output().split('Connected')).toHaveLength(2); // once
    expect(run.errors()).toBe('');
    expect(children.filter(isRunning)).toEqual([]);
    expect(readdirSync(run.folder)).toEqual([]);
  });

  it('draws the next code when there is one', async () => {
    const run = await login(simulator.createInstance());
    await run.until(() => run.output().split('Scan it in MAX').length === 3);
    const [first = '', second = ''] = run.output().split('Scan it in MAX');
    expect(readPrinted(second)).toMatch(/^https:\/\/max\.ru\/:auth\//);
    expect(readPrinted(second)).not.toBe(readPrinted(first));
  });

  it('reports everything to a program as lines of JSON, and prints nothing else', async () => {
    const instance = simulator.createInstance();
    const run = await login(instance, ['--json']);
    const shown = (): JsonEvent | undefined => eventsOf(run).find(({ code }) => typeof code?.text === 'string');
    await run.until(() => shown() !== undefined); // a picture that is read late is first sent without its text
    instance.scan();
    expect(await run.ended).toBe(0);
    const events = eventsOf(run);
    const sessions = events.filter(({ event }) => event === 'session');
    expect(sessions.map(({ state }) => state)).toEqual(expect.arrayContaining(['waiting', 'showing', 'connected']));
    expect(shown()?.code).toEqual({ text: expect.stringMatching(/^https:/), issuedAt: expect.any(Number), staleAt: expect.any(Number) });
    expect(events.at(-1)).toEqual({ event: 'connected', account: sessions.at(-1)?.['account'] });
    expect(run.errors()).toBe('');
  });

  it('ends with 3 when the provider does not accept the token', async () => {
    const instance = simulator.createInstance();
    const run = await login(instance, [], { env: { GREEN_API_TOKEN: 'not-the-token-of-it' } });
    expect(await run.ended).toBe(3);
    expect(run.errors()).toContain('The provider does not accept this id and token.');
  });

  it('ends with 6 when another phone was linked', async () => {
    const instance = simulator.createInstance();
    const run = await login(instance, ['--json', '--expected-phone', '+7 900 000-00-00']);
    await run.until(isShowing(run));
    instance.scan();
    expect(await run.ended).toBe(6);
    expect(eventsOf(run).at(-1)).toEqual({ event: 'ended', reason: 'account_mismatch', exitCode: 6 });
  });

  it('is connected when the expected phone was linked', async () => {
    const instance = simulator.createInstance();
    const run = await login(instance, ['--expected-phone', `+${instance.phone}`]);
    await run.until(() => run.output().includes('Scan it in MAX'));
    instance.scan();
    expect(await run.ended).toBe(0);
    expect(run.output()).toMatch(new RegExp(`Connected: \\+${instance.phone}\\.\\n$`));
  });

  it('ends with 7 when the messenger has blocked the account', async () => {
    const instance = simulator.createInstance();
    instance.setState('blocked');
    expect(await (await login(instance)).ended).toBe(7);
  });

  it('logs a linked instance out first with --relink', async () => {
    const instance = simulator.createInstance();
    instance.setState('authorized');
    const run = await login(instance, ['--json', '--relink']);
    await run.until(isShowing(run));
    instance.scan();
    expect(await run.ended).toBe(0);
    expect(instance.requests.filter(({ method }) => method === 'logout')).toHaveLength(1);
  });
});

describe('the password of a protected account', () => {
  it('is a line of stdin; a wrong one is asked for again', async () => {
    const instance = simulator.createInstance({ cloudPassword: 'correct horse' });
    const run = await login(instance, ['--json'], { stdin: 'open' });
    await run.until(isShowing(run));
    instance.scan();
    const wanted = (times: number) => () => eventsOf(run).filter(({ event }) => event === 'password_required').length === times;
    await run.until(wanted(1));
    run.stdin?.write('wrong\n');
    await run.until(wanted(2));
    run.stdin?.write('correct horse\n');
    expect(await run.ended).toBe(0);
    expect(run.output() + run.errors()).not.toMatch(/wrong|correct horse/);
  });

  it('comes from the environment without a prompt', async () => {
    const instance = simulator.createInstance({ cloudPassword: 'correct horse' });
    const run = await login(instance, ['--json'], { env: { QRCAST_ACCOUNT_PASSWORD: 'correct horse' } });
    await run.until(isShowing(run));
    instance.scan();
    expect(await run.ended).toBe(0);
    expect(eventsOf(run).some(({ event }) => event === 'password_required')).toBe(false);
  });

  it.each([{}, { QRCAST_ACCOUNT_PASSWORD: 'wrong' }])('ends the login with 9 when there is none left: %j', async (env) => {
    const instance = simulator.createInstance({ cloudPassword: 'correct horse' });
    const run = await login(instance, ['--json'], { env });
    await run.until(isShowing(run));
    instance.scan();
    expect(await run.ended).toBe(9);
    const wanted = eventsOf(run).findIndex(({ event }) => event === 'password_required');
    expect(eventsOf(run).findIndex(({ state }) => state === 'password')).toBeLessThan(wanted);
    expect(eventsOf(run).at(-1)).toEqual({ event: 'ended', reason: 'password_required', exitCode: 9 });
    expect(instance.requests.filter(({ method }) => method === 'sendAuthorizationPassword')).toHaveLength(Object.keys(env).length);
  });
});

describe('a login that is stopped', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('by %s ends %i, with nothing left running', async (signal, status) => {
    const run = await login(simulator.createInstance(), ['--json']);
    await run.until(isShowing(run));
    const children = childrenOf(run.pid());
    expect(children).toHaveLength(1);
    process.kill(run.pid(), signal);
    expect(await run.ended).toBe(status);
    expect(eventsOf(run).at(-1)).toEqual({ event: 'ended', reason: 'interrupted', exitCode: status });
    expect(children.filter(isRunning)).toEqual([]);
    expect(readdirSync(run.folder)).toEqual([]);
  });

  it('during its start leaves nothing running either', async () => {
    const run = await login(simulator.createInstance());
    // Its folder exists, so it listens to signals and is about to start Redis.
    while (readdirSync(run.folder).length === 0) await new Promise(setImmediate);
    process.kill(run.pid(), 'SIGINT');
    expect(await run.ended).toBe(130);
    expect(readdirSync(run.folder)).toEqual([]);
  });

  it('by a second signal ends at once, and leaves nothing running', async () => {
    const run = await login(simulator.createInstance(), ['--json']);
    await run.until(isShowing(run));
    const children = childrenOf(run.pid());
    process.kill(run.pid(), 'SIGINT');
    process.kill(run.pid(), 'SIGTERM');
    expect([130, 143]).toContain(await run.ended);
    expect(readdirSync(run.folder)).toEqual([]);
    await untilGone(children);
  });

  it('because its reader went away does not keep running', async () => {
    const run = await login(simulator.createInstance(), ['--json']);
    await run.until(isShowing(run));
    run.closeOutput();
    expect(await run.ended).toBe(1);
  });
});

describe('the token', () => {
  it('is in no output, argument, child process or file, not even in the log at its lowest level', async () => {
    const instance = simulator.createInstance();
    // Redis overwrites its environment in /proc, so it is read while Redis starts.
    const programs = await mkdtemp(join(tmpdir(), 'qrcast-programs-'));
    const seen = join(programs, 'seen');
    const real = findRedisProgram(process.env['PATH'] ?? '');
    await writeFile(join(programs, 'redis-server'), `#!/bin/sh\n{ env; echo "$@"; } > ${seen}\nexec ${real} "$@"\n`, { mode: 0o755 });
    const run = await login(instance, ['--json', '--token-file', '-'], {
      stdin: 'open',
      env: {
        PATH: `${programs}${delimiter}${process.env['PATH']}`,
        GREEN_API_TOKEN: 'an-older-token-of-it',
        QRCAST_API_KEY: 'qk_of-some-gateway',
        QRCAST_ACCOUNT_PASSWORD: 'correct horse',
        QRCAST_LOG_LEVEL: 'trace',
      },
    });
    run.stdin?.write(`${instance.apiToken}\n`);
    await run.until(isShowing(run));
    const files = readdirSync(run.folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const kept = files.map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1')).join('');
    const started = await readFile(seen, 'utf8');
    const code = instance.code() ?? '';
    instance.scan();
    expect(await run.ended).toBe(0);
    await rm(programs, { recursive: true });
    expect(started).toContain('PWD='); // proves that it was read: the shell itself adds this variable
    expect(run.errors()).toContain('worker polls'); // the log was written
    for (const [name, text] of Object.entries({ started, kept, output: run.output(), errors: run.errors() })) {
      for (const secret of [instance.apiToken, 'an-older-token-of-it', 'qk_of-some-gateway', 'correct horse']) {
        expect(text, name).not.toContain(secret);
      }
    }
    expect(run.errors()).not.toContain(code);
  });

  it('given as an argument is refused without being repeated, and nothing is started', async () => {
    const run = await startLogin(['login', '--id', '1101000001', '--token', 'd75b3a66374942c5b3c0', '--json']);
    runs.push(run);
    expect(await run.ended).toBe(2);
    expect(eventsOf(run)).toEqual([{ event: 'error', code: 'usage', detail: expect.stringContaining('--token is not taken') }]);
    expect(run.output() + run.errors()).not.toContain('d75b3a66374942c5b3c0');
  });
});

describe('a bad setting', () => {
  it('is a usage error', async () => {
    const run = await login(simulator.createInstance(), [], { env: { QRCAST_ATTEMPT_MS: 'soon' } });
    expect(await run.ended).toBe(2);
    expect(run.errors()).toContain('QRCAST_ATTEMPT_MS: expected a whole number');
  });
});

describe('beside a `start`', () => {
  it('shares nothing with it: no folder, no port and no Redis', async () => {
    const instance = simulator.createInstance();
    const run = await login(instance, ['--json'], { env: { REDIS_URL: 'redis://127.0.0.1:1', PORT: '1' } });
    await run.until(isShowing(run));
    expect(readdirSync(run.folder)).toEqual([expect.stringMatching(/^qrcast-login-/)]);
    instance.scan();
    expect(await run.ended).toBe(0);
  });

  it('runs without a Redis on PATH, and does not mention it', async () => {
    const instance = simulator.createInstance();
    const run = await login(instance, ['--json'], { env: { PATH: dirname(process.execPath) } });
    await run.until(isShowing(run));
    expect(childrenOf(run.pid())).toEqual([]);
    instance.scan();
    expect(await run.ended).toBe(0);
    expect(run.errors()).toBe('');
  });
});
