/**
 * Invisible characters in a setting: a process refuses to start and names the setting. The value
 * appears nowhere.
 */

import { randomBytes, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { startLogin } from '../test/login.ts';
import { type Program, spawnNode, spawnRole } from '../test/role-process.ts';

const START = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const ADMIN_KEY = randomBytes(24).toString('hex');

const programs: Program[] = [];
afterEach(async () => {
  for (const program of programs.splice(0)) await program.stop();
});

function keep(program: Program): Program {
  programs.push(program);
  return program;
}

function settings(): Record<string, string> {
  return {
    PORT: '0',
    REDIS_URL: inject('redisUrl'),
    QRCAST_NAMESPACE: `test-${randomUUID().slice(0, 8)}`,
    QRCAST_SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    QRCAST_DRAIN_MS: '0',
  };
}

describe.each([
  ['gateway', (env: Record<string, string>) => spawnRole('gateway', { ...settings(), ...env })],
  ['worker', (env: Record<string, string>) => spawnRole('worker', { ...settings(), ...env })],
  ['start', (env: Record<string, string>) => spawnNode([START], { ...settings(), ...env })],
] as const)('a %s', (role, start) => {
  it('refuses every setting that holds one, and names them all', async () => {
    const env: Record<string, string> = {
      QRCAST_LOG_LEVEL: 'warn\r',
      QRCAST_UPSTREAM_HOSTS: 'exa\u200bmple.com',
      QRCAST_AUDIT_DAYS: '\u00a030',
    };
    if (role !== 'worker') env['QRCAST_ADMIN_KEY'] = `${ADMIN_KEY}\r`;
    const program = keep(start(env));
    await program.until(/settings are not usable/);
    await program.stop();
    expect(program.child.exitCode).toBe(1);
    for (const name of Object.keys(env)) expect(program.output()).toContain(`${name}: expected no invisible character`);
    expect(program.output()).not.toContain(ADMIN_KEY);
  });
});

it('a gateway drops one byte-order mark before a value, and before the name of the first variable of a file', async () => {
  const program = keep(spawnRole('gateway', { ...settings(), '\uFEFFQRCAST_ADMIN_KEY': `\uFEFF${ADMIN_KEY}` }));
  const [, port] = await program.until(/"port":(\d+).*gateway listens/);
  const listed = await fetch(`http://127.0.0.1:${port}/v1/admin/tenants`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
  expect(listed.status).toBe(200);
});

describe('the command line', () => {
  it.each([
    ['login', ['--id', '1101000001'], { GREEN_API_TOKEN: 'd75b3a66374942c5b3c019c698abc206\r' }, 'GREEN_API_TOKEN'],
    ['login', ['--id', '1101000001'], { QRCAST_ACCOUNT_PASSWORD: 'd75b3a66374942c5\r' }, 'QRCAST_ACCOUNT_PASSWORD'],
    ['login', ['--id', '1101000001'], { QRCAST_API_KEY: '\u202eqk_d75b3a66374942c5' }, 'QRCAST_API_KEY'],
    ['login', ['--id', '1101000001'], { QRCAST_ATTEMPT_MS: '60000\r' }, 'QRCAST_ATTEMPT_MS'],
    [
      'webhook',
      ['--gateway', 'http://127.0.0.1:1', '--session', 'x', '--set'],
      { QRCAST_WEBHOOK_TOKEN: 'wt_d75b3a66\r' },
      'QRCAST_WEBHOOK_TOKEN',
    ],
    ['rotate-keys', [], { REDIS_URL: 'redis://127.0.0.1:1\r' }, 'REDIS_URL'],
    ['login', ['--id', '1101000001\r'], {}, '--id'],
    ['login', ['--id', '1101000001', '--gateway', 'https://qrcast\u200b.example.com'], {}, '--gateway'],
  ])('%s refuses one at once as a usage error: %j %j', async (command, args, env, name) => {
    const run = await startLogin([command, ...args], { env });
    const status = await run.ended;
    await run.clean();
    expect(status).toBe(2);
    expect(run.errors()).toContain(`${name}: expected no invisible character`);
    expect(run.output() + run.errors()).not.toContain('d75b3a66');
  });
});
