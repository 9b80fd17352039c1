/**
 * Runs the commands in README.md, CONTRIBUTING.md and OPERATING.md, and looks for the fields that
 * they promise.
 */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import { type Cluster, type Created, openCluster } from '../test/cluster.ts';
import { RUN, readShown, ruleFor, TOP } from '../test/documented-commands.ts';

const execute = promisify(execFile);

let cluster: Cluster;
let created: Created;
beforeAll(async () => {
  const callbackHosts = ['http://127.0.0.1:8080']; // for the callback address in the documents
  cluster = await openCluster({ redisUrl: inject('redisUrl'), publicUrl: 'https://qrcast.example', callbackHosts });
});
beforeEach(async () => {
  created = await cluster.create(cluster.simulator.createInstance());
});
afterAll(() => cluster.close());

/** A refusal ends the command, and so the shell. */
const SHELL = 'set -e; curl() { command curl -sS --fail-with-body "$@"; };\n';

/** Appended to a module, so that it ends once it has a session to show. */
const END_OF_MODULE = `
await new Promise((resolve) => {
  const look = () => watch.snapshot.session && resolve();
  watch.subscribe(look);
  look();
});
watch.close();
`;

/**
 * Replaces only addresses, ids and credentials, and parts that would start a server or a test run.
 */
function filledIn(text: string): string {
  const url = `http://127.0.0.1:${cluster.gateways[0]?.port}`;
  const other = cluster.simulator.createInstance();
  return text
    .replaceAll(/http:\/\/127\.0\.0\.1:3000|https:\/\/<your gateway>/g, url)
    .replaceAll(/<session id>|ses_…(?=\?)/g, created.session.id)
    .replaceAll('<tenant id>', 'acme')
    .replaceAll('tenants/default', 'tenants/acme')
    .replaceAll('"id": "acme"', '"id": "acme-too"')
    .replaceAll('"instanceId": "1101000001", "apiToken": "…"', `"instanceId": "${other.idInstance}", "apiToken": "${other.apiToken}"`)
    .replaceAll('"reference"', `"apiUrl": "${cluster.simulator.url}", "reference"`)
    .replaceAll(/apps\/\w+\/src\/main\.ts/g, '--version')
    .replaceAll(/(?:npx -y pnpm@12 )?exec /g, '')
    .replace(/^(?=QRCAST_SCREENSHOTS=1)/, 'cd apps/standalone && ')
    .replaceAll('vitest run', 'vitest list --filesOnly');
}

async function output(text: string, kind: 'shell' | 'module'): Promise<string> {
  const env = {
    ...process.env,
    API_KEY: cluster.apiKey,
    TICKET: created.ticket,
    WEBHOOK_TOKEN: cluster.webhookToken,
    QRCAST_ADMIN_KEY: cluster.adminKey,
  };
  const module = `const { TICKET: ticket } = process.env;\n${text}${END_OF_MODULE}`;
  const [program, args, cwd]: [string, string[], string] =
    kind === 'shell'
      ? ['sh', ['-c', `${SHELL}${text}`], TOP]
      : [process.execPath, ['--input-type=module', '-e', module], `${TOP}apps/standalone`];
  const { stdout } = await execute(program, args, { cwd, env, encoding: 'utf8' });
  return stdout;
}

const toRun = readShown().flatMap(({ document, text }) => {
  const rule = ruleFor(RUN, text);
  return rule === undefined ? [] : [{ document, text, kind: rule.check, title: text.split('\n')[0] }];
});

it.each(toRun)('$document shows $title', async ({ text, kind }) => {
  const said = await output(filledIn(text), kind);
  const promised = text.split('\n').filter((line) => line.startsWith('#'));
  for (const [, field] of promised.join('\n').matchAll(/("\w+"):/g)) expect(said).toContain(field);
  if (text.includes('vitest')) expect(said.trim(), 'files that vitest would run').not.toBe('');
});
