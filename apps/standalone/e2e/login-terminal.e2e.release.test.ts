/**
 * `qrcast login` at a terminal: what the screen shows, what a person types, and that the terminal
 * is as before at the end.
 */

import { readdirSync } from 'node:fs';
import type { Instance } from '@qrcast/simulator/instance';
import { openSimulator, type Simulator } from '@qrcast/simulator/simulator';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { openCluster } from '../test/cluster.ts';
import { childrenOf, hasTerminals, startAtTerminal, type TerminalRun, untilGone } from '../test/login.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await openSimulator({ rotateMs: 4_000 });
});
afterAll(() => simulator.close());

const releases: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

type TerminalOptions = Parameters<typeof startAtTerminal>[1];

async function atTerminal(shell: string, options: TerminalOptions = {}): Promise<TerminalRun> {
  const run = await startAtTerminal(shell, options);
  releases.push(run.clean);
  return run;
}

const command = ({ idInstance }: Instance): string => `$QRCAST login --id ${idInstance} --api-url ${simulator.url}`;

/** Runs the command, and then shows whether the terminal echoes typed text again. */
const thenState = (login: string): string =>
  `${login}; status=$?; stty -a | grep -ow -e '-*echo' -e '-*icanon' | xargs echo terminal; exit $status`;

describe.runIf(hasTerminals)('qrcast login at a terminal', () => {
  it('shows each code in place of the last one, clears no more than needed, and restores the terminal', async () => {
    const instance = simulator.createInstance();
    const run = await atTerminal(thenState(command(instance)), { env: { GREEN_API_TOKEN: instance.apiToken } });
    const { screen } = run;
    await run.until(() => screen.readCode('dark') !== null && screen.readCode('dark') === instance.code());
    const first = screen.readCode('dark');
    expect(screen.readCode('light')).toBe(first);
    expect({ isAlternate: screen.isAlternate, hasCursor: screen.hasCursor }).toEqual({ isAlternate: true, hasCursor: false });
    const heading = screen.lines[0];
    await run.until(() => screen.readCode('dark') !== null && screen.readCode('dark') !== first);
    expect(screen.lines[0]).toBe(heading);
    expect(screen.lines.join('\n')).toMatch(/Good for \d+ s, and renewed by itself\./);
    instance.scan();
    expect(await run.ended).toBe(0);
    expect({ isAlternate: screen.isAlternate, hasCursor: screen.hasCursor }).toEqual({ isAlternate: false, hasCursor: true });
    expect(screen.lines.filter((line) => line !== '')).toEqual([expect.stringMatching(/^Connected/), 'terminal icanon echo']);
  });

  it('redraws when the window changes, and says when it is too small', async () => {
    const instance = simulator.createInstance();
    const run = await atTerminal(command(instance), { env: { GREEN_API_TOKEN: instance.apiToken } });
    await run.until(({ readCode }) => readCode('dark') !== null);
    run.resize(36, 24);
    await run.until(({ lines, readCode }) => lines.join(' ').includes('too small for the code: 36×24') && readCode('dark') === null);
    run.resize(120, 50);
    await run.until(({ readCode }) => readCode('dark') !== null);
    expect(run.screen.lines[1]).toBe(''); // now with space around it
    run.stdin?.write('\x03');
    expect(await run.ended).toBe(130);
  });

  it('asks for what is missing, and does not show what is typed', async () => {
    const instance = simulator.createInstance({ cloudPassword: 'correct horse' });
    const run = await atTerminal(thenState(command(instance)));
    const { screen } = run;
    await run.until(() => screen.lines.join('\n').includes(`API token of instance ${instance.idInstance} (not shown):`));
    run.stdin?.write(`${instance.apiToken}\r`);
    await run.until(() => screen.readCode('dark') !== null);
    run.stdin?.write('typed by a cat'); // ignored
    instance.scan();
    await run.until(() => screen.lines.join('\n').includes('Type the password and press Enter.'));
    run.stdin?.write('wrong horse\r');
    await run.until(() => screen.lines.join('\n').includes('The password was not accepted. Check it and try again.'));
    run.stdin?.write('korrekt\x15correct house\x7f\x7f\x7frse\r'); // with Ctrl-U and Backspace
    expect(await run.ended).toBe(0);
    expect(screen.lines.join('\n')).toContain('terminal icanon echo');
    for (const secret of [instance.apiToken, 'cat', 'wrong horse', 'correct']) expect(run.output()).not.toContain(secret);
    expect(instance.requests.filter(({ method }) => method === 'sendAuthorizationPassword')).toHaveLength(2);
  });

  it('leaves the password for a new code after two empty lines, and takes the next password', async () => {
    const instance = simulator.createInstance({ cloudPassword: 'correct horse' });
    const run = await atTerminal(command(instance), { env: { GREEN_API_TOKEN: instance.apiToken } });
    const { screen } = run;
    const says = (words: string): Promise<unknown> => run.until(() => screen.lines.join(' ').includes(words));
    await run.until(() => screen.readCode('dark') !== null);
    instance.scan();
    await says('Another account, or no password? Press Enter alone.');
    run.stdin?.write('\r');
    await says('Press Enter once more to log out and get a new code');
    run.stdin?.write('\r');
    await run.until(() => screen.readCode('dark') !== null && screen.readCode('dark') === instance.code());
    expect(instance.requests.filter(({ method }) => method === 'logout')).toHaveLength(1);
    instance.scan();
    await says('Type the password and press Enter.');
    run.stdin?.write('correct horse\r');
    expect(await run.ended).toBe(0);
  });

  it('says that a scanned login is being finished if that takes long', async () => {
    const instance = simulator.createInstance();
    const run = await atTerminal(command(instance), { env: { GREEN_API_TOKEN: instance.apiToken } });
    await run.until(() => run.screen.readCode('dark') !== null);
    instance.setState('starting');
    await run.until(({ lines }) => lines.join(' ').includes('Scanned; the login is being finished …'));
    expect(run.screen.readCode('dark')).toBeNull();
    instance.setState('authorized');
    expect(await run.ended).toBe(0);
  });

  it('takes a token from a pipe and a password from the person', async () => {
    const instance = simulator.createInstance({ cloudPassword: 'correct horse' });
    const piped = `echo "$TOKEN" | ${command(instance)} --token-file -`;
    const run = await atTerminal(piped, { env: { TOKEN: instance.apiToken } });
    await run.until(({ readCode }) => readCode('dark') !== null);
    instance.scan();
    await run.until(({ lines }) => lines.join('\n').includes('Type the password'));
    run.stdin?.write('correct horse\r');
    expect(await run.ended).toBe(0);
    expect(run.output()).not.toContain('correct horse');
  });

  it.each([
    ['Ctrl-C', '\x03'],
    ['Ctrl-D', '\x04'],
  ])('is stopped by %s with status 130, and leaves nothing running', async (_name, key) => {
    const instance = simulator.createInstance();
    const run = await atTerminal(`exec ${command(instance)}`, { env: { GREEN_API_TOKEN: instance.apiToken } });
    await run.until(({ readCode }) => readCode('dark') !== null);
    const children = childrenOf(run.pid());
    expect(children).toHaveLength(1);
    run.stdin?.write(key);
    expect(await run.ended).toBe(130);
    expect(run.screen.lines.filter((line) => line !== '')).toEqual(['Stopped.']);
    await untilGone(children);
    expect(readdirSync(run.folder)).toEqual([]);
  });

  it('is not stopped by Ctrl-Z, which would leave a dead code on the screen', async () => {
    const instance = simulator.createInstance();
    const run = await atTerminal(`exec ${command(instance)}`, { env: { GREEN_API_TOKEN: instance.apiToken } });
    await run.until(({ readCode }) => readCode('dark') !== null);
    const first = run.screen.readCode('dark');
    run.stdin?.write('\x1a');
    await run.until(({ readCode }) => readCode('dark') !== first && readCode('dark') !== null);
    instance.scan();
    expect(await run.ended).toBe(0);
  });

  it('restores the terminal although a second signal ends it at once', async () => {
    const instance = simulator.createInstance();
    const run = await atTerminal(thenState(command(instance)), { env: { GREEN_API_TOKEN: instance.apiToken } });
    await run.until(({ readCode }) => readCode('dark') !== null);
    const [pid = 0] = childrenOf(run.pid());
    process.kill(pid, 'SIGINT');
    process.kill(pid, 'SIGTERM');
    expect([130, 143]).toContain(await run.ended);
    expect({ isAlternate: run.screen.isAlternate, hasCursor: run.screen.hasCursor }).toEqual({ isAlternate: false, hasCursor: true });
    expect(run.screen.lines.join('\n')).toContain('terminal icanon echo');
  });

  it('overwrites no logs on the same terminal, and uses no colours with NO_COLOR', async () => {
    const instance = simulator.createInstance();
    const env = { GREEN_API_TOKEN: instance.apiToken, QRCAST_LOG_LEVEL: 'info', NO_COLOR: '1' };
    const run = await atTerminal(command(instance), { env });
    await run.until(() => run.output().includes('Scan it in MAX'));
    expect(run.output()).toContain('"msg":"worker polls"');
    expect(run.output()).not.toContain('\x1b');
    instance.scan();
    expect(await run.ended).toBe(0);
  });

  it('removes a code from the screen when it expires, although the gateway is gone', async () => {
    const cluster = await openCluster({ redisUrl: inject('redisUrl'), policy: { codeTtlMs: 20_000 } });
    releases.push(cluster.close);
    const [gateway] = cluster.gateways;
    const instance = cluster.newInstance();
    const args = `--id ${instance.idInstance} --api-url ${cluster.simulator.url} --gateway ${gateway?.publicUrl}`;
    const env = { GREEN_API_TOKEN: instance.apiToken, QRCAST_API_KEY: cluster.apiKey };
    const run = await atTerminal(`exec $QRCAST login ${args}`, { env });
    await run.until(({ readCode }) => readCode('dark') !== null);
    await gateway?.close(0);
    await run.until(({ lines, readCode }) => readCode('dark') !== null && lines.join('\n').includes('The gateway cannot be reached.'));
    await run.until(({ lines }) => lines.join('\n').includes('This code has expired.'));
    expect(run.screen.readCode('dark')).toBeNull();
    run.stdin?.write('\x03');
    expect(await run.ended).toBe(130);
  });
});
