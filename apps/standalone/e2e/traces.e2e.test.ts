/**
 * Traces, recorded by the SDK that an operator loads: from a poll or a notification over the change
 * to what two gateways send. A third gateway has no SDK.
 */

import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import { openTestReceiver, type TestReceiver } from '@qrcast/runtime/test/receiver';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createCallers, type Stream } from '../test/callers.ts';
import { type Cluster, openCluster } from '../test/cluster.ts';
import { openRedisEvidence } from '../test/evidence-redis.ts';
import { createLeakHunt } from '../test/leak-hunt.ts';
import { type ExportedSpan, openTraceReceiver, type TraceReceiver } from '../test/trace-receiver.ts';
import { openTracing, startTraced, type Tracing, UNTRACED } from '../test/traced-roles.ts';

const PASSWORD = 'the-cloud-password-4711';

interface Stage {
  readonly cluster: Cluster;
  readonly collector: TraceReceiver;
  readonly receiver: TestReceiver;
  readonly gateways: readonly { readonly url: string }[];
  /** Stops when called. */
  startWorker(): Promise<() => Promise<void>>;
  watch(ticket: string): readonly Stream[];
  /** The first lines of all messages on the channels of sessions. */
  heads(): readonly string[];
  /** All that was recorded has come then. */
  close(): Promise<void>;
}

const stages: Releasers[] = [];
afterAll(async () => {
  for (const releasers of stages) await releasers.release();
});

async function openStage(
  tracingOf: (collectorUrl: string, releasers: Releasers) => Promise<Tracing>,
  names: readonly string[],
): Promise<Stage> {
  const releasers = createReleasers();
  stages.push(releasers);
  const collector = await openTraceReceiver();
  releasers.push('collector', () => collector.close());
  const receiver = await openTestReceiver();
  releasers.push('receiver', () => receiver.close());
  const cluster = await openCluster({ redisUrl: inject('redisUrl'), workers: 0 });
  releasers.push('cluster', () => cluster.close());
  await cluster.gateways[0]?.tenants.patch('acme', { callback: { url: receiver.url } });
  const evidence = await openRedisEvidence(cluster.worker.redisUrl);
  releasers.push('evidence', () => evidence.close());
  const callers = createCallers();
  releasers.push('callers', () => callers.close());
  const tracing = await tracingOf(collector.url, releasers);
  const start = async (role: 'gateway' | 'worker', name: string) => {
    const program = await startTraced(role, name, cluster, tracing, { QRCAST_CALLBACK_HOSTS: receiver.url });
    releasers.push(name, () => program.stop());
    return program;
  };
  const gateways = await Promise.all(names.map((name) => start('gateway', name)));
  return {
    cluster,
    collector,
    receiver,
    gateways,
    startWorker: async () => (await start('worker', 'worker')).stop,
    watch: (ticket) =>
      [...gateways.map(({ url }) => url), cluster.gateways[0]?.publicUrl ?? ''].map((url) => callers.webSocket(url, ticket)),
    heads: () =>
      evidence
        .messages()
        .filter((message) => message.startsWith(`${cluster.worker.namespace}:`))
        .flatMap((message) => /^\S+ (3(?: .*)?)\n\{"id":/.exec(message)?.[1] ?? []),
    close: () => releasers.release(),
  };
}

const until = (streams: readonly Stream[], text: string): Promise<readonly string[]> =>
  Promise.all(streams.map((stream) => stream.until(text)));

describe('with an SDK', () => {
  const hunt = createLeakHunt();
  let stage: Stage;
  let spans: readonly ExportedSpan[];
  /** Of the session that polls have connected, and of the one that a notification has. */
  let polled: string;
  let notified: string;

  beforeAll(async () => {
    stage = await openStage(openTracing, ['gateway-a', 'gateway-b']);
    const stopWorker = await stage.startWorker();
    polled = await logInByPolls();
    notified = await logInByNotification(stopWorker);
    await stage.startWorker(); // for the callback of the second login
    await stage.receiver.until(2, ({ body }) => body.includes('session.connected'));
    await stage.close();
    spans = stage.collector.spans();
  });

  function addSecrets({ idInstance, apiToken, phone }: ReturnType<Cluster['newInstance']>, ticket: string): void {
    hunt.add(`token of ${idInstance}`, apiToken);
    hunt.add(`instance ${idInstance}`, idInstance);
    hunt.add(`phone of ${idInstance}`, phone);
    hunt.add(`ticket of ${idInstance}`, ticket);
  }

  async function logInByPolls(): Promise<string> {
    const instance = stage.cluster.newInstance();
    instance.setWebhook(null);
    const { session, ticket } = await stage.cluster.create(instance);
    addSecrets(instance, ticket);
    const streams = stage.watch(ticket);
    await until(streams, '"showing"');
    hunt.add('a code', instance.code() ?? expect.unreachable());
    await until(stage.watch(ticket), '"showing"');
    instance.scanWithPassword(PASSWORD);
    await until(streams, '"password"');
    await stage.cluster.call('POST', `/v1/sessions/${session.id}/password`, { password: PASSWORD });
    await until(streams, '"connected"');
    return session.id;
  }

  async function logInByNotification(stopWorker: () => Promise<void>): Promise<string> {
    const { cluster, gateways } = stage;
    const instance = cluster.newInstance();
    instance.setWebhook({ url: `${gateways[0]?.url}/v1/webhooks/green-api/acme`, token: cluster.webhookToken });
    const { session, ticket } = await cluster.create(instance);
    addSecrets(instance, ticket);
    const streams = stage.watch(ticket);
    await until(streams, '"showing"');
    await until(streams, '"fresh"'); // a notification of the attempt's first second is checked, not believed
    await stopWorker(); // so that no poll finds it first
    instance.scan();
    await until(streams, '"connected"');
    return session.id;
  }

  /** The spans of the trace that led to the state, which must have been delivered by both gateways. */
  function traceOf(session: string, state: string): ExportedSpan[] {
    const commits = spans.filter(({ name, attributes }) => {
      return name === 'commit' && attributes['qrcast.session'] === session && attributes['qrcast.state'] === state;
    });
    const traces = commits.map(({ traceId }) => spans.filter((span) => span.traceId === traceId));
    return traces.find((trace) => trace.filter(({ name }) => name === 'deliver').length === 2) ?? [];
  }

  /** The span itself below the name of its parent, and the process that recorded it. */
  const tree = (trace: readonly ExportedSpan[]): string[] => {
    const names = new Map(trace.map(({ spanId, name }) => [spanId, name]));
    return trace.map(({ name, parentSpanId, service }) => `${names.get(parentSpanId) ?? parentSpanId} > ${name} in ${service}`).sort();
  };

  it('a trace goes from the poll over the change to both gateways', () => {
    const trace = traceOf(polled, 'password');
    expect(tree(trace)).toEqual([
      ' > poll in worker',
      'commit > deliver in gateway-a',
      'commit > deliver in gateway-b',
      'poll > commit in worker',
      'poll > request in worker',
    ]);
    const host = new URL(stage.cluster.simulator.url).host;
    expect(trace.find(({ name }) => name === 'poll')?.attributes).toEqual({
      'qrcast.session': polled,
      'qrcast.tenant': 'acme',
      'qrcast.method': expect.stringMatching(/^(qr|state)$/),
      'qrcast.host': host,
      'qrcast.outcome': 'passwordWanted',
      'qrcast.changed': true,
    });
  });

  it('a trace goes from the notification over the change to both gateways', () => {
    const trace = traceOf(notified, 'connected');
    expect(tree(trace)).toEqual([
      ' > notification in gateway-a',
      'commit > deliver in gateway-a',
      'commit > deliver in gateway-b',
      'notification > commit in gateway-a',
    ]);
    expect(trace.find(({ name }) => name === 'notification')?.attributes).toMatchObject({ 'qrcast.verdict': 'believe' });
  });

  it('a code has its trace, too', () => {
    expect(traceOf(polled, 'showing')).toHaveLength(5);
  });

  it('a subscription is linked to the change whose state it begins with', () => {
    const subscriptions = spans.filter(({ name }) => name === 'subscribe');
    const linked = subscriptions.flatMap(({ links }) => links);
    const commits = new Set(spans.filter(({ name }) => name === 'commit').map(({ spanId }) => spanId));
    expect(subscriptions.length).toBe(6);
    expect(linked.length).toBeGreaterThan(0);
    expect(linked.filter((id) => !commits.has(id))).toEqual([]);
  });

  it('a callback has a span, and its receiver hears nothing of it', () => {
    const callbacks = spans.filter(({ name, attributes }) => name === 'callback' && attributes['qrcast.type'] === 'session.connected');
    expect(callbacks.map(({ attributes }) => attributes['qrcast.session']).sort()).toEqual([polled, notified].sort());
    expect(callbacks.map(({ attributes }) => attributes['qrcast.status'])).toEqual(['204', '204'].map(Number));
    for (const { headers } of stage.receiver.received) expect(headers).not.toHaveProperty('traceparent');
  });

  it('nothing that is exported holds a secret', () => {
    const { cluster, collector } = stage;
    hunt.add('the password', PASSWORD);
    hunt.add('the API key', cluster.apiKey);
    hunt.add('the admin key', cluster.adminKey);
    hunt.add('the webhook token', cluster.webhookToken);
    for (const { id, key } of cluster.worker.secretKeys) hunt.add(`secret key ${id}`, key);
    expect(collector.text()).toContain('qrcast.session');
    expect(hunt.find(collector.text())).toEqual([]);
  });

  it('only what a traced process publishes has a traceparent', () => {
    const traced = stage.heads().filter((head) => head.includes('traceparent'));
    const commits = new Set(spans.filter(({ name }) => name === 'commit').map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`));
    expect(traced.length).toBeGreaterThan(3);
    for (const head of traced) expect(commits).toContain(/^3 traceparent (\S+)/.exec(head)?.[1]);
    expect(traced.length).toBeLessThan(stage.heads().length);
  });
});

describe.each([
  ['without an SDK', async () => UNTRACED],
  [
    'with an SDK that records no trace',
    async (url: string, of: Releasers) => {
      const { args, env } = await openTracing(url, of);
      return { args, env: { ...env, OTEL_TRACES_SAMPLER: 'always_off' } };
    },
  ],
] as const)('%s', (_, tracingOf) => {
  it('no message holds a traceparent, and nothing is exported', async () => {
    const stage = await openStage(tracingOf, ['gateway']);
    await stage.startWorker();
    const { ticket } = await stage.cluster.create(stage.cluster.newInstance());
    await until(stage.watch(ticket), '"showing"');
    await stage.close();
    expect(stage.heads().length).toBeGreaterThan(0);
    expect(stage.heads().filter((head) => head.includes('traceparent'))).toEqual([]);
    expect(stage.collector.spans()).toEqual([]);
  });
});
