/**
 * A rotation as an operator does it: two gateways and a worker restart one after another, and the
 * command runs in between.
 */

import { spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { text as textOf } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { WireSession } from '@qrcast/core/wire';
import { PAGE_FOLDER } from '@qrcast/gateway/api/page-folder';
import { type Gateway, startGateway } from '@qrcast/gateway/gateway';
import type { RingKey } from '@qrcast/runtime/keyring/keyring';
import { createLog } from '@qrcast/runtime/log';
import type { Instance } from '@qrcast/simulator/instance';
import { openSimulator, type Simulator } from '@qrcast/simulator/simulator';
import { startWorker } from '@qrcast/worker/worker';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { EXITS } from '../src/login/ending.ts';
import { BASE_ENVIRONMENT } from '../test/base-environment.ts';
import { TEST_POLICY } from '../test/cluster.ts';

const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url));
const [OLD, NEW] = ['old', 'new'].map((id) => ({ id, key: randomBytes(32) })) as [RingKey, RingKey];

let simulator: Simulator;
let namespace: string;
const running = new Map<string, { readonly url: string; close(): Promise<void> }>();

beforeEach(async () => {
  simulator = await openSimulator({ rotateMs: 3_000 });
  namespace = `test-${randomUUID().slice(0, 8)}`;
});
afterEach(async () => {
  await Promise.all([...running.values()].map((one) => one.close()));
  running.clear();
  await simulator.close();
});

const shared = (secretKeys: readonly RingKey[]) => ({
  redisUrl: inject('redisUrl'),
  namespace,
  secretKeys,
  policy: TEST_POLICY,
  upstreamHosts: [simulator.url],
  log: createLog('test', 'silent'),
});

async function gateway(keys: readonly RingKey[]): Promise<Gateway> {
  return startGateway({
    ...shared(keys),
    unwatchedGraceMs: 15_000,
    adminKey: undefined,
    maxConnections: 100,
    port: 0,
    host: '127.0.0.1',
    publicUrl: undefined,
    pageFolder: PAGE_FOLDER,
  });
}

/** Restarts one process after another, so that the others serve in between. */
async function restartAll(keys: readonly RingKey[]): Promise<Gateway> {
  let last: Gateway | undefined;
  for (const name of ['a', 'b']) {
    await running.get(name)?.close();
    const started = await gateway(keys);
    running.set(name, { url: started.publicUrl, close: () => started.close(0) });
    last = started;
  }
  await running.get('worker')?.close();
  const worker = await startWorker({ ...shared(keys), concurrency: 50, hostConcurrency: 50 });
  running.set('worker', { url: '', close: () => worker.close(1_000) });
  if (last === undefined) throw new Error('no gateway');
  return last;
}

async function qrcast(keys: readonly RingKey[], ...args: string[]): Promise<{ readonly output: string; readonly status: number | null }> {
  const env = {
    ...BASE_ENVIRONMENT,
    REDIS_URL: inject('redisUrl'),
    QRCAST_NAMESPACE: namespace,
    QRCAST_SECRET_KEYS: keys.map(({ id, key }) => `${id}:${key.toString('base64')}`).join(),
  };
  const child = spawn(process.execPath, [CLI, 'rotate-keys', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const status = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [out, error] = await Promise.all([textOf(child.stdout), textOf(child.stderr)]);
  return { output: out + error, status: await status };
}

interface Made {
  readonly session: WireSession;
  readonly ticket: string;
}

async function create(apiKey: string, instance: Instance): Promise<Made> {
  const response = await fetch(`${running.get('a')?.url}/v1/sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ instanceId: instance.idInstance, apiToken: instance.apiToken, apiUrl: simulator.url }),
  });
  expect(response.status).toBe(201);
  return (await response.json()) as Made;
}

/** Reads the session with its ticket, on both gateways. */
async function read({ ticket }: Made, etag?: string): Promise<{ readonly statuses: readonly number[]; readonly session: WireSession }> {
  const answers = await Promise.all(
    ['a', 'b'].map((name) =>
      fetch(`${running.get(name)?.url}/v1/sessions/self${etag === undefined ? '' : '?wait=10'}`, {
        headers: { authorization: `Bearer ${ticket}`, ...(etag === undefined ? {} : { 'if-none-match': etag }) },
      }),
    ),
  );
  const body = (await answers[0]?.json()) as { session: WireSession };
  return { statuses: answers.map(({ status }) => status), session: body.session };
}

async function untilShowing(made: Made): Promise<void> {
  let { session } = await read(made);
  while (session.state !== 'showing') ({ session } = await read(made, `"${session.version}"`));
}

it('continues without a gap from the old key to the new one', async () => {
  const first = await restartAll([OLD]);
  const { secrets } = await first.tenants.create({ id: 'acme', name: 'Acme' });
  const instance = simulator.createInstance();
  const made = await create(secrets.apiKey, instance);
  await untilShowing(made);

  await restartAll([OLD, NEW]);
  expect((await qrcast([NEW, OLD])).output).toContain('no process on this Redis was started with the key "new" first');
  await restartAll([NEW, OLD]);
  expect((await read(made)).statuses).toEqual([200, 200]); // the old key's ticket
  await expect(gateway([NEW])).rejects.toThrow('they have a key "old"'); // too early

  const looked = await qrcast([NEW, OLD], '--check');
  expect([looked.status, looked.output]).toEqual([
    EXITS.keysLeft.code,
    '0 secrets sealed under "new"\n2 secrets sealed under "old"\n"old" is needed: run `qrcast rotate-keys`\n',
  ]);
  const rotated = await qrcast([NEW, OLD]);
  expect(rotated.output).toMatch(
    /^2 secrets moved to "new"\n2 secrets sealed under "new"\n"old" seals nothing now: run `qrcast rotate-keys` again/,
  );
  expect(rotated.status).toBe(0);
  await expect(gateway([NEW])).rejects.toThrow('they have a key "old"'); // a process may still seal with it
  expect((await qrcast([NEW, OLD])).output).toMatch(
    /^0 secrets moved to "new"\n2 secrets sealed under "new"\n"old" can be dropped 24 hours after/,
  );
  expect((await qrcast([NEW, OLD], '--check')).status).toBe(0);
  expect((await read(made)).statuses).toEqual([200, 200]);

  await restartAll([NEW]);
  expect((await read(made)).statuses).toEqual([401, 401]); // its tickets go with it
  const asked = instance.requests.length;
  const later = await create(secrets.apiKey, simulator.createInstance());
  await untilShowing(later);
  const again = await fetch(`${running.get('b')?.url}/v1/sessions/${made.session.id}`, {
    headers: { authorization: `Bearer ${secrets.apiKey}` },
  });
  expect(again.status).toBe(200);
  await instance.untilRequests(asked + 1); // its credentials open under the new key
});
