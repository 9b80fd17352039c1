/** `qrcast top` at a terminal, against real gateways and a real worker. */

import { afterEach, describe, expect, it } from 'vitest';
import { EXITS } from '../src/login/ending.ts';
import type { FaultStage } from '../test/fault-stage.ts';
import { hasTerminals, startAtTerminal, type TerminalRun } from '../test/login.ts';
import type { Screen } from '../test/screen.ts';
import { useStages } from '../test/use-stages.ts';

const { openStage } = useStages();
const runs: TerminalRun[] = [];
afterEach(async () => {
  for (const run of runs.splice(0)) await run.clean();
});

async function top({ gateways, apiKey, adminKey }: FaultStage, words = ''): Promise<TerminalRun> {
  const env = { QRCAST_API_KEY: apiKey, QRCAST_ADMIN_KEY: adminKey };
  const run = await startAtTerminal(`exec $QRCAST top --gateway ${gateways[0].url} ${words}`, { columns: 140, env });
  runs.push(run);
  return run;
}

const has =
  (...words: readonly (string | RegExp)[]) =>
  ({ lines }: Screen): boolean =>
    words.every((word) => lines.some((line) => (typeof word === 'string' ? line.includes(word) : word.test(line))));

const isNothingHidden = (run: TerminalRun): boolean => run.screen.hasCursor && !run.screen.isAlternate;

describe.runIf(hasTerminals)('qrcast top over a real gateway', () => {
  it('shows a session from its creation to its login, asks the provider for nothing, and shows no secret', async () => {
    const stage = await openStage();
    const run = await top(stage);
    await run.until(has(/no sessions/i));
    const { instance, session, ticket } = await stage.create();
    await run.until(has(new RegExp(`idle .*${session.id}`)));
    expect(instance.requests).toEqual([]); // looking is not watching
    const viewer = stage.watch(ticket, 'sse');
    await run.until(has(new RegExp(`showing .*${session.id}`)));
    const code = (await viewer.until(({ state }) => state === 'showing')).code?.text ?? '';
    instance.scan();
    await run.until(has(new RegExp(`connected .*${session.id}`)));
    run.stdin?.write('q');
    expect(await run.ended).toBe(0);
    expect(isNothingHidden(run)).toBe(true);
    expect(code).not.toBe('');
    for (const secret of [stage.apiKey, stage.adminKey, ticket, instance.apiToken, code]) expect(run.output()).not.toContain(secret);
  });

  it('says that its gateway has gone, and goes on with what has changed when it is back', async () => {
    const stage = await openStage();
    const first = await stage.create();
    const run = await top(stage, '--all');
    await run.until(has(first.session.id));
    await stage.gateways[0].stop();
    await run.until(has('The gateway cannot be reached', first.session.id));
    await stage.gateways[0].restart();
    await stage.untilReady();
    const second = await stage.create();
    await run.until((screen) => has(first.session.id, second.session.id)(screen) && !has('cannot be reached')(screen));
    run.stdin?.write('\x03');
    expect(await run.ended).toBe(130);
    expect(isNothingHidden(run)).toBe(true);
  });

  it.each([
    ['its tenant is suspended', 'PATCH', async () => '', { suspended: true }, 200, /qrcast: .*suspended/],
    ['its key is removed', 'DELETE', ownKeyOf, null, 204, /qrcast: the gateway does not accept the API key/],
  ] as const)('ends and says why when %s', async (_what, method, pathOf, body, status, words) => {
    const stage = await openStage();
    await stage.create();
    const run = await top(stage);
    await run.until(has('idle 1'));
    expect((await askAdmin(stage, method, await pathOf(stage), body)).status).toBe(status);
    expect(await run.ended).toBe(EXITS.credentials.code);
    expect(isNothingHidden(run)).toBe(true);
    expect(run.screen.lines.join('\n')).toMatch(words);
  });
});

/** Of the stage's tenant. */
async function askAdmin({ gateways, adminKey }: FaultStage, method: string, path: string, body: object | null): Promise<Response> {
  const headers = { authorization: `Bearer ${adminKey}`, ...(body === null ? {} : { 'content-type': 'application/json' }) };
  return fetch(`${gateways[0].url}/v1/admin/tenants/acme${path}`, { method, headers, body: body === null ? null : JSON.stringify(body) });
}

async function ownKeyOf(stage: FaultStage): Promise<string> {
  const { tenant } = (await (await askAdmin(stage, 'GET', '', null)).json()) as { tenant: { keys: { id: string }[] } }; // PROTOCOL.md
  return `/keys/${tenant.keys[0]?.id}`;
}
