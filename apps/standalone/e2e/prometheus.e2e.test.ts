/**
 * A real Prometheus scrapes gateways and a worker that have done known work. It accepts every query
 * of the board, and those that count give the numbers that viewers, the provider and a tenant's
 * server know. An alert fires at a real fault and goes out again; the release suite fires them all.
 */

import { writtenQueries } from '@qrcast/monitoring/written-queries';
import { METRICS } from '@qrcast/runtime/metrics/metric-table';
import { createReleasers } from '@qrcast/runtime/releasers';
import { openTestReceiver, type TestReceiver } from '@qrcast/runtime/test/receiver';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { boardQueries, growthIn } from '../test/board-queries.ts';
import { sendCallbacksTo } from '../test/fault-stage.ts';
import { isMissing } from '../test/find-program.ts';
import { KNOWN_LOGINS, SHOWN } from '../test/known-logins.ts';
import { fires, type MonitoredStage, namesFiring, openMonitoredStage } from '../test/monitored-stage.ts';
import { TRANSPORTS } from '../test/recording-client.ts';

/** The methods that polls ask, as the provider names them. */
const POLLED: readonly string[] = ['qr', 'getStateInstance', 'getAccountSettings', 'logout'];
const { step: STEPS, reason: REASONS } = METRICS.qrcast_attempt_steps_total.labels;
/** Of these the tenant's server is told. The others leave the session as it is. */
const ENDS_TOLD = new Set(REASONS.filter((reason) => reason !== 'unwatched'));
/** A slow machine may miss the objectives, and this test is not about them. */
const OBJECTIVES = /^Qrcast(Codes|Deliveries|Polls)/;
const RELAY = '/relay';

const releasers = createReleasers();
let stage: MonitoredStage;
let receiver: TestReceiver;
/** What the tenant's server answered: `<type> delivered` or `<type> retried`, and how often. */
const tries = new Map<string, number>();

/** As `{ value of the label: count }`, without zeros. */
async function counts(query: string, ...labels: readonly string[]): Promise<Readonly<Record<string, number>>> {
  const samples = await stage.prometheus.ask(query);
  const named = samples.map((sample) => [labels.map((label) => sample.labels[label]).join(' '), sample.value] as const);
  return Object.fromEntries(named.filter(([, value]) => value !== 0));
}

const sum = (counted: Readonly<Record<string, number>>): number => Object.values(counted).reduce((total, count) => total + count, 0);
const tally = (names: readonly string[]): Readonly<Record<string, number>> => {
  const counted: Record<string, number> = {};
  for (const name of names) counted[name] = (counted[name] ?? 0) + 1;
  return counted;
};

describe.skipIf(isMissing('prometheus'))('a Prometheus that scrapes three processes', () => {
  beforeAll(async () => {
    receiver = await openTestReceiver();
    releasers.push('receiver', () => receiver.close());
    answerAndCount();
    stage = await openMonitoredStage({
      env: { QRCAST_CALLBACK_HOSTS: receiver.url, QRCAST_UNWATCHED_GRACE_MS: '1000' },
      oddGateway: { QRCAST_ATTEMPT_MS: '5000' },
      scrapeEverySeconds: 1,
      divisor: 30,
    });
    releasers.push('stage', () => stage.close());
    await sendCallbacksTo(stage, receiver.url, `${receiver.url}${RELAY}`);
  });
  afterAll(() => releasers.release());

  it('counts the viewers of each transport while they watch', async () => {
    const { session, ticket } = await stage.create();
    const viewers = TRANSPORTS.map((transport) => stage.watch(ticket, transport));
    await Promise.all(viewers.map(({ until }) => until(({ state }) => state === 'showing')));
    const [connections = ''] = boardQueries().flatMap(({ panel, query }) => (panel === 'Viewers' ? [query] : []));
    await expect.poll(() => counts(connections, 'transport')).toEqual({ socketio: 1, websocket: 1, sse: 1, longpoll: 1 });
    await stage.call('DELETE', `/v1/sessions/${session.id}`);
    await expect.poll(() => counts(connections, 'transport')).toEqual({});
  });

  it('counts the steps of logins, and their ends by the reason', async () => {
    await Promise.all(KNOWN_LOGINS.map(({ run }) => run(stage)));
    const taken = [...KNOWN_LOGINS.flatMap(({ steps }) => steps), ...SHOWN, 'cancelled'];
    const isStep = (name: string): boolean => (STEPS as readonly string[]).includes(name);
    await expect.poll(() => counts(growthIn('How far attempts come'), 'step')).toEqual(tally(taken.filter(isStep)));
    await expect.poll(() => counts(growthIn('Why attempts end'), 'reason')).toEqual(tally(taken.filter((name) => !isStep(name))));
  });

  it('counts the answers of the provider, all of which the provider has sent', async () => {
    const asked = stage.simulator.instances().flatMap(({ requests }) => requests);
    const answers = asked.filter(({ method, status }) => POLLED.includes(method) && status !== null).length;
    const grown = async () => sum(await counts(growthIn('Answers of the provider'), 'outcome'));
    await expect.poll(grown).toBe(answers);
  });

  it("counts the tries of callbacks and notifications as the tenant's server does", async () => {
    const sent = () => stage.simulator.instances().flatMap(({ deliveries }) => deliveries.filter(({ status }) => status === 200));
    await expect.poll(() => tries.get('notification delivered')).toBe(sent().length);
    const ended = KNOWN_LOGINS.filter(({ steps }) => ENDS_TOLD.has(steps.at(-1) ?? '')).length + 1;
    await expect.poll(() => tries.get('session.ended delivered')).toBe(ended);
    expect(tries.get('session.ended retried')).toBe(1);
    await expect.poll(() => counts(growthIn('Tries'), 'type', 'outcome')).toEqual(Object.fromEntries(tries));
  });

  it('accepts every query of the board, and has data for each', async () => {
    const queries = boardQueries();
    expect(queries.length).toBeGreaterThan(40);
    expect((await stage.call('GET', '/v1/nothing-is-here')).status).toBe(404); // the one refusal
    const empty = async () => {
      const answers = await Promise.all(queries.map(({ query }) => stage.prometheus.ask(query)));
      return queries.flatMap(({ panel }, i) => (answers[i]?.length === 0 ? [panel] : []));
    };
    await expect.poll(empty).toEqual(['Lost connections']); // none was lost
  });

  it('accepts every query that the documents give', async () => {
    const queries = writtenQueries();
    expect(queries.length).toBeGreaterThan(20);
    await Promise.all(queries.map((query) => stage.prometheus.ask(query)));
  });

  it('fires an alert at a killed worker, which goes out when it is back', async () => {
    const [worker] = stage.workers;
    const others = async () => (await namesFiring(stage.prometheus)).filter((name) => !OBJECTIVES.test(name));
    await expect.poll(others).toEqual([]);
    await worker.kill();
    await expect.poll(others).toEqual(['QrcastProcessDown', 'QrcastRoleMissing']);
    expect(await fires(stage.prometheus, 'QrcastProcessDown', { instance: stage.instanceOf(worker) })).toBe(true);
    expect(await fires(stage.prometheus, 'QrcastRoleMissing', { role: 'worker' })).toBe(true);
    await stage.restart(worker);
    await expect.poll(others).toEqual([]);
    expect(await stage.prometheus.ruleFaults()).toEqual([]);
  });
});

/** The first callback of an end is refused once. */
function answerAndCount(): void {
  let refusals = 0;
  receiver.answer(({ path, body }) => {
    const type = path === RELAY ? 'notification' : String(JSON.parse(body).type);
    const isRefused = type === 'session.ended' && refusals++ === 0;
    const outcome = `${type} ${isRefused ? 'retried' : 'delivered'}`;
    tries.set(outcome, (tries.get(outcome) ?? 0) + 1);
    return isRefused ? 503 : 204;
  });
}
