/**
 * The examples without a screen. Each is started as its README says, and a phone completes its
 * login.
 */

import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cluster, openCluster } from '@qrcast/standalone/test/cluster';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { GATE_RETRY_AFTER_MS, openGate } from './test-gate.ts';
import { type Program, pathOf, startProgram } from './test-program.ts';

interface Example {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** What must be installed. `probe` is the command that asks for it, `says` its answer. */
  readonly needs: string;
  readonly probe: readonly [string, ...string[]];
  readonly says: RegExp;
}

const EXAMPLES: readonly Example[] = [
  {
    name: 'python',
    command: 'python3',
    args: ['python/login.py'],
    needs: 'Python 3.9',
    probe: ['python3', '--version'],
    says: /^Python 3\.(9|\d\d)/,
  },
  {
    name: 'curl',
    command: 'sh',
    args: ['curl/login.sh'],
    needs: 'curl 7.71',
    probe: ['curl', '--version'],
    says: /^curl (7\.(7[1-9]|[89]\d)|[89]|\d\d)/,
  },
  {
    name: 'php',
    command: 'php',
    args: ['php/login.php'],
    needs: 'PHP 8 with its curl extension',
    probe: ['php', '-r', 'echo PHP_MAJOR_VERSION, extension_loaded("curl") ? " curl" : "";'],
    says: /^([89]|\d\d) curl/,
  },
  {
    name: 'java',
    command: 'java',
    args: ['java/Main.java'],
    needs: 'a Java 17 that compiles',
    probe: ['java', '--describe-module', 'jdk.compiler'],
    says: /^jdk\.compiler@(1[7-9]|[2-9]\d)/,
  },
  {
    name: 'node',
    command: process.execPath,
    args: ['node/login.ts'],
    needs: 'Node 22.18',
    probe: [process.execPath, '--version'],
    says: /^v\d\d/,
  },
];

/** Why an example cannot run here; null if it can. */
function lack({ name, needs, probe, says }: Example): string | null {
  const [program, ...args] = probe;
  const { stdout } = spawnSync(program, args, { encoding: 'utf8' });
  if (says.test(stdout ?? '')) return null;
  process.stdout.write(`the ${name} example is skipped: it needs ${needs}\n`);
  return `it needs ${needs}`;
}

let cluster: Cluster;
beforeAll(async () => {
  cluster = await openCluster({ redisUrl: inject('redisUrl') });
});
afterAll(() => cluster.close());

describe.concurrent.each(EXAMPLES)('the $name example', (example) => {
  const { command, args } = example;
  const missing = lack(example);
  const run = (settings: Record<string, string>): Program => startProgram(command, args, settings);

  it('reaches connected after a refusal and a lost connection, and shows no secret', async ({ expect, skip, onTestFinished }) => {
    if (missing !== null) skip(missing);
    const instance = cluster.newInstance();
    const gate = await openGate(cluster.gateways[0]?.publicUrl ?? '');
    onTestFinished(() => gate.close());
    const program = run(settingsOf(gate.url, cluster, instance));
    onTestFinished(() => program.stop());
    await program.until('showing');
    instance.scan();
    expect(await program.ended, program.output()).toBe(0);

    expect(program.output()).toMatch(/page: http:\/\/\S+\/connect#\S+/);
    expect(program.output()).toContain('connected');
    const tries = gate.passages.filter(({ method, url }) => method === 'POST' && url === '/v1/sessions');
    expect(tries).toHaveLength(2);
    expect((tries[1]?.at ?? 0) - (tries[0]?.at ?? 0)).toBeGreaterThanOrEqual(GATE_RETRY_AFTER_MS);
    const seen = `${program.output()}\n${gate.passages.map(({ url }) => url).join('\n')}`;
    for (const secret of [cluster.apiKey, instance.apiToken]) expect(seen).not.toContain(secret);
  });

  it('ends with status 1 when the session does, and says why', async ({ expect, skip, onTestFinished }) => {
    if (missing !== null) skip(missing);
    const instance = cluster.newInstance();
    const { session } = await cluster.create(instance);
    const program = run(settingsOf(cluster.gateways[0]?.publicUrl ?? '', cluster, instance));
    onTestFinished(() => program.stop());
    await program.until('showing');
    expect((await cluster.call('DELETE', `/v1/sessions/${session.id}`)).status).toBe(204);
    expect(await program.ended, program.output()).toBe(1);
    expect(program.output()).toContain('ended (cancelled)');
  });

  it('ends with status 1 and the text of the gateway when it is refused', async ({ expect, skip }) => {
    if (missing !== null) skip(missing);
    const settings = settingsOf(cluster.gateways[0]?.publicUrl ?? '', cluster, cluster.newInstance());
    const refusal = await fetch(`${settings.QRCAST_URL}/v1/sessions`, { headers: { authorization: 'Bearer qk_wrong' } });
    const { detail } = (await refusal.json()) as { detail: string };
    const program = run({ ...settings, QRCAST_API_KEY: 'qk_wrong' });
    expect(await program.ended, program.output()).toBe(1);
    expect(program.output()).toContain(`refused: ${detail}`);
    expect(program.output()).not.toContain('qk_wrong');
  });

  it('ends with status 2 when a setting is missing, and names it', async ({ expect, skip }) => {
    if (missing !== null) skip(missing);
    const program = run({ QRCAST_API_KEY: 'qk_any', GREEN_API_ID_INSTANCE: '1101000001' });
    expect(await program.ended, program.output()).toBe(2);
    expect(program.output()).toContain('set GREEN_API_TOKEN');
  });
});

describe('the curl example', () => {
  it('passes no secret to curl as an argument, which other users of the machine could read', async ({ skip, onTestFinished }) => {
    const curl = pathOf('curl');
    if (curl === null) skip('it needs curl');
    const folder = await mkdtemp(join(tmpdir(), 'qrcast-curl-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const record = join(folder, 'arguments');
    await writeFile(join(folder, 'curl'), `#!/bin/sh\nprintf '%s\\n' "$*" >>'${record}'\nexec '${curl}' "$@"\n`, { mode: 0o700 });
    const instance = cluster.newInstance();
    const settings = settingsOf(cluster.gateways[0]?.publicUrl ?? '', cluster, instance);
    const program = startProgram('sh', ['curl/login.sh'], { ...settings, PATH: `${folder}:${process.env['PATH']}` });
    onTestFinished(() => program.stop());
    await program.until('showing');
    const given = await readFile(record, 'utf8');
    expect(given.match(/\/v1\/sessions/g)?.length).toBeGreaterThanOrEqual(2);
    for (const secret of [cluster.apiKey, instance.apiToken]) expect(given).not.toContain(secret);
  });
});

function settingsOf(url: string, { apiKey, simulator }: Cluster, instance: { idInstance: string; apiToken: string }) {
  return {
    QRCAST_URL: url,
    QRCAST_API_KEY: apiKey,
    GREEN_API_ID_INSTANCE: instance.idInstance,
    GREEN_API_TOKEN: instance.apiToken,
    GREEN_API_URL: simulator.url,
  };
}
