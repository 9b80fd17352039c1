/** A misspelled setting: a process names it at its start, and its value appears nowhere. */

import { randomBytes, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { startLogin } from '../test/login.ts';
import { type Program, spawnNode, spawnRole } from '../test/role-process.ts';

const START = fileURLToPath(new URL('../src/main.ts', import.meta.url));
/** The value of a variable that is no setting. */
const VALUE = '31-5ec2e7';

const programs: Program[] = [];
afterEach(async () => {
  for (const program of programs.splice(0)) await program.stop();
});

function start(role: 'gateway' | 'worker', env: Readonly<Record<string, string>>): Program {
  const program = spawnRole(role, { PORT: '0', QRCAST_DRAIN_MS: '0', ...env });
  programs.push(program);
  return program;
}

const warningsOf = (program: Program): unknown[] =>
  program
    .output()
    .split('\n')
    .filter((line) => line.includes('not a setting of qrcast'))
    .map((line) => JSON.parse(line));

describe.each([
  ['gateway', /gateway listens/],
  ['worker', /worker is up/],
] as const)('a %s', (role, isUp) => {
  it('warns of it and starts, without a warning about settings of other roles', async () => {
    const program = start(role, {
      REDIS_URL: inject('redisUrl'),
      QRCAST_NAMESPACE: `test-${randomUUID().slice(0, 8)}`,
      QRCAST_SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
      QRCAST_MAX_CONNECTIONS: '31',
      QRCAST_HOST_CONCURRENCY: '31',
      QRCAST_API_KEY: 'qk_31',
      QRCAST_MAX_CONECTIONS: VALUE,
    });
    await program.until(isUp);
    await program.stop();
    expect(warningsOf(program)).toMatchObject([{ level: 40, variable: 'QRCAST_MAX_CONECTIONS', nearest: 'QRCAST_MAX_CONNECTIONS' }]);
    expect(program.output()).not.toContain(VALUE);
  });

  it('warns of it also if it is the one that is missing', async () => {
    const program = start(role, { REDIS_URL: 'redis://127.0.0.1:1', QRCAST_SECRET_KEY: VALUE });
    await program.until(/QRCAST_SECRET_KEYS: is not set/);
    await program.stop();
    expect(warningsOf(program)).toMatchObject([{ variable: 'QRCAST_SECRET_KEY', nearest: 'QRCAST_SECRET_KEYS' }]);
    expect(program.output()).not.toContain(VALUE);
  });
});

it('`start` warns of it, too', async () => {
  const program = spawnNode([START], { QRCAST_MAX_CONECTIONS: VALUE, QRCAST_ATTEMPT_MS: 'soon' });
  programs.push(program);
  await program.until(/QRCAST_ATTEMPT_MS: expected/); // so it makes nothing
  await program.stop(); // its two outputs arrive in any order
  expect(warningsOf(program)).toHaveLength(1);
  expect(program.output()).not.toContain(VALUE);
});

describe('the command line', () => {
  it.each([
    ['login', ['--id', '1101000001'], 'no API token'],
    ['rotate-keys', [], 'REDIS_URL: is not set'],
  ])('warns of it on stderr, before any other output: %s', async (command, args, fault) => {
    const env = { QRCAST_POLL_INTERVALL_MS: VALUE, QRCAST_MAX_CONNECTIONS: '31' };
    const run = await startLogin([command, ...args], { env });
    const status = await run.ended;
    await run.clean();
    expect(status).toBe(2);
    const [first, ...others] = run.errors().split('\n');
    expect(first).toBe('qrcast: QRCAST_POLL_INTERVALL_MS is not a setting of qrcast and is ignored; did you mean QRCAST_POLL_INTERVAL_MS?');
    expect(others.join('\n')).toContain(fault);
    expect(others.join('\n')).not.toContain('not a setting');
    expect(run.output() + run.errors()).not.toContain(VALUE);
  });
});
