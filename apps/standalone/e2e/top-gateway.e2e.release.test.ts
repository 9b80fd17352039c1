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

type Look = NonNullable<Parameters<typeof startAtTerminal>[1]>;

async function top(
  { gateways, apiKey, adminKey }: FaultStage,
  words = '',
  { env, ...size }: Look = { columns: 140 },
): Promise<TerminalRun> {
  const keys = { QRCAST_API_KEY: apiKey, QRCAST_ADMIN_KEY: adminKey };
  const run = await startAtTerminal(`exec $QRCAST top --gateway ${gateways[0].url} ${words}`, { ...size, env: { ...keys, ...env } });
  runs.push(run);
  return run;
}

const has =
  (...words: readonly (string | RegExp)[]) =>
  ({ lines }: Screen): boolean =>
    words.every((word) => lines.some((line) => (typeof word === 'string' ? line.includes(word) : word.test(line))));

/** The heading, the counts, the head, a line for each session, and the footer: nothing has wrapped. */
function isTableOf({ lines }: Screen, sessions: number, head: RegExp): boolean {
  const [heading = '', , titles = ''] = lines;
  const rows = lines.slice(3, 3 + sessions);
  const isOneEach = rows.every((row) => /^idle /.test(row)) && lines[3 + sessions] === 'q ends.';
  return heading.startsWith('qrcast top') && head.test(titles) && isOneEach;
}

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
    const { code } = await viewer.until((shown) => typeof shown.code?.text === 'string'); // read a moment after it is shown
    instance.scan();
    await run.until(has(new RegExp(`connected .*${session.id}`)));
    run.stdin?.write('q');
    expect(await run.ended).toBe(0);
    expect(isNothingHidden(run)).toBe(true);
    const text = code?.text ?? '';
    expect(text).not.toBe('');
    for (const secret of [stage.apiKey, stage.adminKey, ticket, instance.apiToken, text]) expect(run.output()).not.toContain(secret);
  });

  it('keeps one line for each session in a narrow, wide and resized window, with wide characters, and without colours', async () => {
    const stage = await openStage();
    const names = ['商店の注文', '👍🏽🇷🇺👩‍👩‍👧', 'order-17'];
    for (const name of names) await create(stage, name.repeat(12).slice(0, 120).toWellFormed());
    const run = await top(stage, '--all', { columns: 40, rows: 12, env: { NO_COLOR: '1' } });
    const isWhole = (head: RegExp) => (screen: Screen) => isTableOf(screen, names.length, head);
    await run.until(isWhole(/^STATE +AGE +INSTANCE +NOTICE OR END$/));
    run.resize(120, 12);
    await run.until((screen) => isWhole(/^STATE .*REFERENCE$/)(screen) && has('商店', '👍', 'order-17')(screen));
    run.resize(81, 8);
    await run.until(isWhole(/^STATE +AGE .*SESSION/));
    run.resize(140, 12);
    await run.until((screen) => isWhole(/^STATE .*REFERENCE$/)(screen) && has('商店', '👍', 'order-17')(screen));
    run.stdin?.write('q');
    expect(await run.ended).toBe(0);
    expect(isNothingHidden(run)).toBe(true);
    expect(run.output()).not.toContain('\x1b[0m'); // it ends each style
  });

  it.each([
    ['API key', ''],
    ['admin key', '--all'],
  ])('ends and says why if the %s is wrong, and does not repeat it', async (what, words) => {
    const { gateways } = await openStage();
    const wrong = 'qk_nobody-has-this-key-0123456789';
    const run = await startAtTerminal(`exec $QRCAST top --gateway ${gateways[0].url} ${words}`, {
      env: { QRCAST_API_KEY: wrong, QRCAST_ADMIN_KEY: wrong },
    });
    runs.push(run);
    expect(await run.ended).toBe(EXITS.credentials.code);
    expect(isNothingHidden(run)).toBe(true);
    expect(run.screen.lines.join(' ')).toContain(`qrcast: the gateway does not accept the ${what}: `);
    expect(run.output()).not.toContain(wrong);
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

async function create({ call, newInstance, simulator }: FaultStage, reference: string): Promise<void> {
  const { idInstance: instanceId, apiToken } = newInstance();
  const { status } = await call('POST', '/v1/sessions', { instanceId, apiToken, apiUrl: simulator.url, reference });
  expect(status).toBe(201);
}
