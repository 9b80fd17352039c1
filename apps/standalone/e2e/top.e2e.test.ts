/** `qrcast top`: what the screen shows, what a program reads, and how it ends. */

import { freePort } from '@qrcast/runtime/redis/free-port';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EXITS } from '../src/login/ending.ts';
import { hasTerminals, type LoginRun, startAtTerminal, startLogin, type TerminalRun } from '../test/login.ts';
import { type OverviewGateway, openOverviewGateway } from '../test/overview-gateway.ts';
import { overviewSession } from '../test/overview-session.ts';

const API_KEY = 'qk_0123456789-of-a-tenant';
const ADMIN_KEY = 'admin-key-0123456789-of-nobody';

let gateway: OverviewGateway;
beforeEach(async () => {
  gateway = await openOverviewGateway();
  gateway.sessions = [overviewSession('ses_1'), overviewSession('ses_2', { state: 'password', reference: 'order\x1b[2J 17' })];
});

const releases: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0)) await release();
  await gateway.close();
});

async function top(words: readonly string[], env: Readonly<Record<string, string>> = { QRCAST_API_KEY: API_KEY }): Promise<LoginRun> {
  const run = await startLogin(['top', '--gateway', gateway.url, ...words], { env });
  releases.push(run.clean);
  return run;
}

describe.runIf(hasTerminals)('qrcast top at a terminal', () => {
  /** Runs the command, and then shows whether the terminal echoes typed text again. */
  async function atTerminal(words = '', env: Readonly<Record<string, string>> = {}): Promise<TerminalRun> {
    const command = `$QRCAST top --gateway ${gateway.url} ${words}`;
    const shell = `${command}; status=$?; stty -a | grep -ow -e '-*echo' -e '-*icanon' | xargs echo terminal; exit $status`;
    const run = await startAtTerminal(shell, { columns: 120, env: { QRCAST_API_KEY: API_KEY, ...env } });
    releases.push(run.clean);
    return run;
  }

  it('shows the sessions, follows their changes, and restores the terminal after q', async () => {
    const run = await atTerminal();
    const { screen } = run;
    await run.until(({ lines }) => lines[1] === 'password 1 · showing 1');
    expect({ isAlternate: screen.isAlternate, hasCursor: screen.hasCursor }).toEqual({ isAlternate: true, hasCursor: false });
    expect(screen.lines[3]).toMatch(/^password .* ses_2 +order\?\[2J 17$/);
    gateway.tell({ sessions: [overviewSession('ses_3', { notice: { code: 'provider_timeout', retryAt: 0 } })], gone: ['ses_2'] });
    await run.until(({ lines }) => lines[1] === 'showing 2 · with a notice 1');
    expect(screen.lines[3]).toMatch(/^showing .* provider_timeout .* ses_3/);
    run.stdin?.write('xq');
    expect(await run.ended).toBe(0);
    expect({ isAlternate: screen.isAlternate, hasCursor: screen.hasCursor }).toEqual({ isAlternate: false, hasCursor: true });
    expect(screen.lines.filter((line) => line !== '')).toEqual(['terminal icanon echo']);
    expect(gateway.calls).toEqual([{ path: '/v1/overview', key: API_KEY }]);
  });

  it('redraws when the window changes, and is stopped by Ctrl-C', async () => {
    const run = await atTerminal();
    await run.until(({ lines }) => lines[4]?.includes('ses_1') === true);
    run.resize(40, 5);
    await run.until(({ lines }) => lines[0]?.endsWith('…') === true && lines[2]?.startsWith('STATE     AGE') === true);
    expect(run.screen.lines.join('\n')).not.toContain('ses_1');
    run.resize(120, 24);
    await run.until(({ lines }) => lines[4]?.includes('ses_1') === true);
    run.stdin?.write('\x03');
    expect(await run.ended).toBe(130);
    expect(run.screen.lines.filter((line) => line !== '')).toEqual(['Stopped.', 'terminal icanon echo']);
  });

  it('says when it has lost the gateway, and begins anew when it is back', async () => {
    const run = await atTerminal();
    await run.until(({ lines }) => lines[1] === 'password 1 · showing 1');
    gateway.refusal = { status: 503, code: 'unavailable', detail: 'draining' };
    gateway.cut();
    await run.until(({ lines }) => lines[2]?.startsWith('The gateway cannot be reached') === true);
    expect(run.screen.lines.join('\n')).toContain('ses_2');
    [gateway.refusal, gateway.sessions] = [null, [overviewSession('ses_4')]];
    await run.until(({ lines }) => lines[1] === 'showing 1' && lines[2]?.startsWith('STATE') === true);
    run.stdin?.write('q');
    expect(await run.ended).toBe(0);
  });

  it.each(['', '--once'])('exits with 1 and says that no gateway answers, with the terminal as before: %s', async (words) => {
    await gateway.close();
    const run = await atTerminal(words);
    expect(await run.ended).toBe(1);
    expect({ isAlternate: run.screen.isAlternate, hasCursor: run.screen.hasCursor }).toEqual({ isAlternate: false, hasCursor: true });
    expect(run.screen.lines.join(' ')).toMatch(/qrcast: no qrcast gateway answers .* terminal icanon echo/);
    gateway = await openOverviewGateway(); // for the end of the test
  });

  it('asks for the admin key where that is wanted, and ends when the gateway refuses it later', async () => {
    const run = await atTerminal('--all', { NO_COLOR: '1' });
    await run.until(({ lines }) => lines.join('\n').includes('admin key of the gateway (not shown):'));
    run.stdin?.write(`${ADMIN_KEY}\r`);
    await run.until(({ lines }) => /TENANT/.test(lines[2] ?? ''));
    for (const style of ['\x1b[1m', '\x1b[2m', '\x1b[32m']) expect(run.output()).not.toContain(style);
    gateway.refusal = { status: 401, code: 'unauthenticated', detail: 'the key is not known' };
    gateway.cut();
    expect(await run.ended).toBe(EXITS.credentials.code);
    expect(run.screen.lines.join('\n')).toContain('qrcast: the gateway does not accept the admin key: the key is not known');
    expect(gateway.calls[0]).toEqual({ path: '/v1/admin/overview', key: ADMIN_KEY });
    expect(run.output()).not.toContain(ADMIN_KEY);
  });
});

describe('qrcast top for a program', () => {
  it('prints one table if there is no terminal', async () => {
    const run = await top(['--tenant', 'acme'], { QRCAST_ADMIN_KEY: ADMIN_KEY });
    expect(await run.ended).toBe(0);
    const [counts, , head, first] = run.output().split('\n');
    expect([counts, head]).toEqual(['password 1 · showing 1', expect.stringMatching(/^STATE +AGE +LEFT +INSTANCE/)]);
    expect(first).toMatch(/^password .* ses_2 +order\?\[2J 17$/);
    expect(gateway.calls).toEqual([{ path: '/v1/admin/overview?tenantId=acme', key: ADMIN_KEY }]);
  });

  it('prints one line of JSON with --once', async () => {
    const run = await top(['--json', '--once']);
    expect(await run.ended).toBe(0);
    expect(JSON.parse(run.output())).toEqual({
      event: 'sessions',
      at: 60_000,
      sessions: gateway.sessions,
      gone: [],
      isFirst: true,
      isCut: false,
    });
  });

  it('prints each change as a line of JSON, also after a lost connection, until it is stopped', async () => {
    const run = await top(['--json']);
    const lines = (): readonly Record<string, unknown>[] =>
      run
        .output()
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line));
    await run.until(() => lines().length === 1);
    gateway.tell({ at: 62_000, gone: ['ses_1'] });
    await run.until(() => lines().length === 2);
    gateway.cut();
    await run.until(() => lines().length === 4);
    expect(lines().map(({ event, isFirst }) => [event, isFirst])).toEqual([
      ['sessions', true],
      ['sessions', false],
      ['retrying', undefined],
      ['sessions', true],
    ]);
    process.kill(run.pid(), 'SIGINT');
    expect(await run.ended).toBe(130);
    expect(lines().at(-1)).toEqual({ event: 'ended', reason: 'interrupted', exitCode: 130 });
  });

  it.each([
    [401, 'unauthenticated', EXITS.credentials.code, 'the gateway does not accept the API key: words'],
    [404, 'not_found', EXITS.fault.code, 'words'],
    [429, 'rate_limited', EXITS.fault.code, 'words'],
  ])('says why it is refused: %i %s', async (status, code, exitCode, words) => {
    gateway.refusal = { status, code, detail: 'words' };
    for (const options of [[], ['--json']]) {
      const run = await top(options);
      expect(await run.ended).toBe(exitCode);
      expect(`${run.output()}${run.errors()}`).toContain(words);
    }
  });

  it('says that there is no key', async () => {
    const keyless = await top([], {});
    expect([await keyless.ended, keyless.errors()]).toEqual([EXITS.usage.code, expect.stringContaining('set QRCAST_API_KEY')]);
  });

  it.each([[[]], [['--once']], [['--json']], [['--once', '--json']]])(
    'exits with 1 and says that no gateway answers: %j',
    async (options) => {
      const words = ['top', '--gateway', `http://127.0.0.1:${await freePort()}`, ...options];
      const run = await startLogin(words, { env: { QRCAST_API_KEY: API_KEY } });
      releases.push(run.clean);
      expect(await run.ended).toBe(1);
      const [told, silent] = options.includes('--json') ? [run.output(), run.errors()] : [run.errors(), run.output()];
      expect(told).toMatch(/no qrcast gateway answers .*\n$/);
      expect(silent).toBe('');
    },
  );
});
