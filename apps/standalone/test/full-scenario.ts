/**
 * For tests: runs everything that can go right and wrong, with a planted secret in every place for
 * one, and collects the evidence.
 */

import { randomBytes } from 'node:crypto';
import { createTickets } from '@qrcast/gateway/auth/tickets';
import { createKeyring } from '@qrcast/runtime/keyring/keyring';
import { createLog } from '@qrcast/runtime/log';
import { openNode } from '@qrcast/runtime/node';
import type { Releasers } from '@qrcast/runtime/releasers';
import type { Instance } from '@qrcast/simulator/instance';
import type { Stream } from './callers.ts';
import { TEST_POLICY } from './cluster.ts';
import { watchPage } from './evidence-browser.ts';
import { type Printed, printDoctor, printTenants, printTop } from './full-commands.ts';
import { type ConsoleSeen, lookAtConsole } from './full-console.ts';
import {
  askForAnything,
  asText,
  bringWrongCredentials,
  type Cast,
  endAll,
  type Login,
  loseRedis,
  type Resumed,
  signatureOf,
  startWithFaults,
  type Tenant,
} from './full-troubles.ts';
import type { LeakHunt } from './leak-hunt.ts';
import { type LeakStage, NAMESPACE, openLeakStage } from './leak-stage.ts';
import { bringManyLabels } from './many-labels.ts';
import { openPage, untilState } from './page.ts';
import { commandLines, environmentOf } from './role-process.ts';
import { metricsPortOf, scrapeOf, timelinesOf } from './shown-places.ts';

/** Everything that was written, sent or stored, by place. */
export interface Evidence extends PageEvidence {
  readonly programs: ReadonlyMap<string, string>;
  readonly refusals: string;
  readonly answers: string;
  readonly messages: string;
  readonly accessLogs: string;
  readonly callbacks: string;
  readonly redisCommands: readonly (readonly string[])[];
  readonly redisMessages: readonly string[];
  readonly redisAfter: string;
  readonly commandLines: string;
  /** Of the processes to which the operator gave no secret. */
  readonly environments: string;
  /** All spans that the processes have exported. */
  readonly spans: string;
  /** What Prometheus reads of each process at the end. */
  readonly scrapes: ReadonlyMap<string, string>;
  /** As tenants and the operator read them. */
  readonly timelines: string;
  /** What commands of the operator print, for people and for programs. */
  readonly printed: Printed;
  readonly console: ConsoleSeen;
  /** A text in the path and the client's name of many calls. */
  readonly mark: string;
}

interface PageEvidence {
  readonly pageSaid: string;
  /** While the page waited for the password, and at the end. */
  readonly pageKept: string;
  readonly pageSession: { readonly during: string; readonly after: string };
  /** While a code was shown. */
  readonly redisDuring: string;
}

export async function runFullScenario(hunt: LeakHunt, releasers: Releasers): Promise<Evidence> {
  const stage = await openLeakStage(hunt, releasers);
  const cast = { ...(await castTenants(stage)), password: newPassword(hunt, 'the right password') };
  const { login, ...pageEvidence } = await logInOnPage(stage, cast);
  const echoed = await talkToEchoingProvider(stage, cast, login);
  await haveWebhooksSet(stage, cast);
  const resumed = await resumeAttempt(stage, cast, releasers);
  await bringWrongCredentials(stage, cast, { login, resumed });
  await askForAnything(stage, cast, { login, resumed });
  const keys = { apiKey: cast.tenant.apiKey, adminKey: stage.operator.adminKey };
  const [{ url }] = stage.accessLogs;
  const seen = await lookAtConsole({
    ...stage,
    origin: url,
    keys: { operator: keys.adminKey, tenant: keys.apiKey },
    sessionId: resumed.id,
  });
  const commands = { url, ...keys };
  const shown = await printTop(commands, resumed.id);
  await loseRedis(stage, cast, { login, resumed });
  const mark = await bringManyLabels(stage, releasers);
  await endAll(stage, cast, { resumed, echoed });
  const timelines = await timelinesOf(
    stage.call,
    keys,
    [login, echoed, resumed].map(({ id }) => id),
  );
  const { gatewayEnv: fit } = stage.operator;
  const judged = await printDoctor({ fit, faulty: await startWithFaults(stage, login) });
  const listed = await printTenants(hunt, commands, 'acme');
  const printed = new Map([...shown, ...judged, ...listed]);
  return { ...pageEvidence, mark, console: seen, timelines, printed, ...(await gather(stage)) };
}

/**
 * A text with quotes, spaces and characters that URLs and shells escape, around a part that nothing
 * changes.
 */
function newPassword(hunt: LeakHunt, name: string): string {
  const password = `it's "${randomBytes(16).toString('hex')}" & 50% + ü/`;
  hunt.add(name, password);
  return password;
}

async function castTenants({ hunt, call, operator, receiver }: LeakStage): Promise<Omit<Cast, 'password'>> {
  const secret = operator.adminKey;
  async function newTenant(id: string, fields: object): Promise<Tenant> {
    const { body } = await call('POST', '/v1/admin/tenants', { secret, body: { id, name: id, ...fields } });
    const [apiKey, webhookToken] = [asText(body['apiKey']), asText(body['webhookToken'])];
    hunt.add(`API key of ${id}`, apiKey);
    hunt.add(`webhook token of ${id}`, webhookToken);
    hunt.add(`callback secret of ${id}`, asText(body['callbackSecret']));
    return { apiKey, webhookToken };
  }
  const tenant = await newTenant('acme', {
    callback: { url: `${receiver.url}/told` },
    relay: { url: `${receiver.url}/relay` },
    checkConnectedEvery: 60,
  });
  const other = await newTenant('other', {});
  const renewed = await call('POST', '/v1/admin/tenants/acme/callback-secret', { secret });
  hunt.add('the newer callback secret', asText(renewed.body['callbackSecret']));
  const { body: added } = await call('POST', '/v1/admin/tenants/acme/keys', { secret });
  const removedKey = asText(added['apiKey']);
  hunt.add('the removed API key', removedKey);
  await call('DELETE', `/v1/admin/tenants/acme/keys/${asText(added['keyId'])}`, { secret });
  return { tenant, other, removedKey };
}

type Account = Pick<Instance, 'idInstance' | 'apiToken'>;

async function create({ hunt, call }: LeakStage, { tenant }: Cast, apiUrl: string, account: Account, fields: object = {}): Promise<Login> {
  const { idInstance: instanceId, apiToken } = account;
  const answer = await call('POST', '/v1/sessions', { secret: tenant.apiKey, body: { instanceId, apiToken, apiUrl, ...fields } });
  if (answer.status !== 201) throw new Error(`the session was not created: ${answer.text}`);
  const { session, ticket, ticketId, pageUrl } = JSON.parse(answer.text) as Omit<Login, 'id'> & {
    readonly session: { readonly id: string };
  };
  hunt.add(`provider token of ${instanceId}`, apiToken);
  hunt.add(`ticket of ${instanceId}`, signatureOf(ticket));
  return { id: session.id, apiToken, ticket, ticketId, pageUrl };
}

/** The code is searched for, too: it may be in the records and messages of its own session only. */
async function noteCode({ hunt }: LeakStage, stream: Stream, name: string): Promise<void> {
  const frame = JSON.parse(await stream.until('"text":"http')) as { readonly session: { readonly code: { image: string; text: string } } };
  hunt.add(`code of ${name}, its picture`, frame.session.code.image);
  hunt.add(`code of ${name}, its text`, frame.session.code.text);
}

/** A login with a password, watched over every transport on both gateways. */
async function logInOnPage(stage: LeakStage, cast: Cast): Promise<PageEvidence & { readonly login: Login }> {
  const { hunt, callers, receiver, redis, simulator, accessLogs } = stage;
  const [a, b] = accessLogs.map(({ url }) => url) as [string, string];
  const instance = simulator.createInstance({ webhook: webhookOf(stage, cast) });
  const login = await create(stage, cast, simulator.url, instance, { reference: 'order-77', returnUrl: 'https://shop.example.com/back' });
  const { page } = await openPage(stage.browser, { allowed: [a] });
  const evidence = watchPage(page);
  const socket = callers.webSocket(b, login.ticket);
  const streams = [
    socket,
    callers.events(a, login.ticket),
    callers.socketIo(a, login.ticket, ['polling']),
    callers.socketIo(b, login.ticket, ['websocket']),
  ];
  await page.goto(login.pageUrl);
  await untilState(page, 'showing');
  await noteCode(stage, socket, 'the page');
  const redisDuring = await redis.dump();
  const headers = { authorization: `Bearer ${login.ticket}` };
  await Promise.all(['code.svg', 'code.png'].map((picture) => fetch(`${b}/v1/sessions/self/${picture}`, { headers })));
  const polled = callers.call('GET', `${b}/v1/sessions/self?wait=30`, { secret: login.ticket, headers: { 'if-none-match': '*' } });

  instance.scanWithPassword(cast.password);
  await untilState(page, 'password');
  await page.fill('#password', newPassword(hunt, 'the wrong password'));
  await page.keyboard.press('Enter');
  await page.waitForSelector('#mistake');
  const [keptDuring, during] = [await evidence.kept(), await evidence.sessionStorage()];
  await page.fill('#password', cast.password);
  await page.keyboard.press('Enter');
  await untilState(page, 'connected');
  await page.click('#stay');
  await Promise.all([polled, ...streams.map((stream) => stream.until('"connected"'))]);
  await receiver.until(1, ({ body }) => body.includes('session.connected'));

  const pageKept = `${keptDuring}\n${await evidence.kept()}`;
  const pageSession = { during, after: await evidence.sessionStorage() };
  await page.context().close();
  return { login, redisDuring, pageKept, pageSession, pageSaid: evidence.said().join('\n') };
}

const webhookOf = ({ accessLogs }: LeakStage, { tenant }: Cast) => ({
  url: `${accessLogs[0].url}/v1/webhooks/green-api/acme`,
  token: tenant.webhookToken,
});

/** Sends a password over every way, to a provider that repeats it. */
async function talkToEchoingProvider(stage: LeakStage, cast: Cast, { ticket }: Login): Promise<Login> {
  const { hunt, callers, call, echoing, accessLogs } = stage;
  const [a, b] = accessLogs;
  const account = { idInstance: '1101999001', apiToken: `t-${randomBytes(24).toString('hex')}` };
  const echoed = await create(stage, cast, echoing.url, account);
  const socket = callers.webSocket(a.url, echoed.ticket);
  const socketIo = callers.socketIo(b.url, echoed.ticket, ['websocket']);
  await socket.until('"state":"password"');
  const password = newPassword(hunt, 'the echoed password');
  await call('POST', `/v1/sessions/${echoed.id}/password`, { secret: cast.tenant.apiKey, body: { password } });
  socket.send({ type: 'password', ref: 2, sessionId: echoed.id, password });
  await socket.until('"ref":2');
  socketIo.send(['password', { sessionId: echoed.id, password }]);
  await socketIo.until('"ack"');
  socketIo.send(['subscribe', { ticket: `${ticket}x` }]);
  socket.send({ type: 'password', ref: 3, sessionId: echoed.id, password: [password] });
  await socket.until('"ref":3');
  return echoed;
}

/** Sets the webhook at a provider that accepts the settings, and at one that repeats them. */
async function haveWebhooksSet(stage: LeakStage, cast: Cast): Promise<void> {
  const { call, simulator, echoing, hunt } = stage;
  const { apiKey, webhookToken } = cast.tenant;
  const elsewhere = `elsewhere-${randomBytes(16).toString('hex')}`;
  hunt.add('the address and token that an instance had', elsewhere);
  const instance = simulator.createInstance({ webhook: { url: `http://127.0.0.1:9/${elsewhere}`, token: elsewhere } });
  const account = { idInstance: '1101999004', apiToken: `t-${randomBytes(24).toString('hex')}` };
  const taking = await create(stage, cast, simulator.url, instance);
  const repeating = await create(stage, cast, echoing.url, account);
  for (const [{ id }, expected] of [[taking, 200] as const, [repeating, 503] as const]) {
    const path = `/v1/sessions/${id}/webhook`;
    const set = (body: unknown, secret = apiKey) => call('POST', path, { secret, body });
    await call('GET', path, { secret: apiKey });
    await set({ webhookToken });
    await set({ webhookToken: `${webhookToken}x` });
    await set({ webhookToken: [webhookToken], [webhookToken]: webhookToken });
    await set(webhookToken);
    await set({ webhookToken }, cast.other.apiKey);
    const { status, text } = await set({ webhookToken, replaceUrl: true });
    if (status !== expected) throw new Error(`expected ${expected} of setting a webhook, and it was answered: ${text}`);
    await call('GET', path, { secret: apiKey });
  }
}

/** Lets the deadline of an attempt pass, and uses an expired ticket for it. */
async function resumeAttempt(stage: LeakStage, cast: Cast, releasers: Releasers): Promise<Resumed> {
  const { hunt, callers, call, simulator, operator, redisUrl, accessLogs } = stage;
  const login = await create(stage, cast, simulator.url, simulator.createInstance({ webhook: webhookOf(stage, cast) }));
  const viewer = callers.webSocket(accessLogs[1].url, login.ticket);
  await noteCode(stage, viewer, 'the second attempt');
  const node = await openNode({ redisUrl, namespace: NAMESPACE, policy: TEST_POLICY, log: createLog('test', 'silent') });
  releasers.push('node', () => node.close());
  const { deadlineAt = 0 } = (await node.sessions.find(login.id)) ?? {};
  await node.sessions.apply(login.id, { kind: 'elapsed', at: deadlineAt });
  await viewer.until('"resumable":true');
  await call('POST', '/v1/sessions/self/resume', { secret: login.ticket });
  await call('POST', '/v1/sessions/self/resume', { secret: login.ticket }); // refused, because it is live

  const tickets = createTickets({ ...node, namespace: NAMESPACE, keyring: createKeyring(operator.ring) });
  const rights = { tenantId: 'acme', sessionId: login.id, scopes: ['view', 'password'], origins: [] } as const;
  const { ticket: expired } = await tickets.issue({ ...rights, expiresAt: Date.now() - 1_000 });
  hunt.add('the expired ticket', signatureOf(expired));
  return { ...login, viewer, expired };
}

type Gathered = Omit<Evidence, keyof PageEvidence | 'mark' | 'console' | 'timelines' | 'printed'>;

async function gather({ callers, programs, redis, receiver, collector, operator, accessLogs }: LeakStage): Promise<Gathered> {
  const lines = commandLines();
  const roles = [...programs.values()].map(({ pid }) => pid);
  const environments = [...lines.keys()].filter((pid) => !roles.includes(pid)).map(environmentOf);
  const redisAfter = await redis.dump();
  const running = [...programs].filter(([, { child }]) => child.exitCode === null);
  const scrapes = await Promise.all(
    running.map(async ([name, program]) => [name, await scrapeOf(await metricsPortOf(program), operator.metricsToken)] as const),
  );
  callers.close();
  for (const program of programs.values()) await program.stop();
  return {
    spans: collector.text(),
    scrapes: new Map(scrapes),
    redisAfter,
    environments: environments.join('\n'),
    commandLines: [...lines.values()].join('\n'),
    programs: new Map([...programs].map(([name, program]) => [name, program.output()])),
    refusals: callers.refusals().join('\n'),
    answers: callers.answers().join('\n'),
    messages: callers.messages().join('\n'),
    accessLogs: accessLogs.flatMap((log) => log.lines()).join('\n'),
    callbacks: receiver.received.map((one) => JSON.stringify(one)).join('\n'),
    redisCommands: redis.commands(),
    redisMessages: redis.messages(),
  };
}
