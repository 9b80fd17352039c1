/** Who reaches what, by the NetworkPolicies, the Ingress and the HTTPRoute that helm makes. Skipped without helm. */

import { beforeAll, describe, expect, it } from 'vitest';
import { findHelm, type Helm } from '../test/helm.ts';
import type { Endpoint, SpecByKind } from '../test/kinds.ts';
import { lets, type Peer } from '../test/network.ts';
import { ofKind, podOf, type Rendered, render } from '../test/rendered.ts';

const found = findHelm();

const named = (name: string): { readonly 'kubernetes.io/metadata.name': string } => ({ 'kubernetes.io/metadata.name': name });
const PROMETHEUS: Peer = { pod: { app: 'prometheus' }, namespace: named('monitoring') };
const INGRESS: Peer = { pod: {}, namespace: named('ingress-nginx') };
const STRANGER: Peer = { pod: { app: 'prometheus' }, namespace: named('default') };
const NEIGHBOUR: Peer = { pod: { app: 'prometheus' } };
const PROVIDER: Peer = { address: '203.0.113.7' };
const PROVIDER_V6: Peer = { address: '2001:db8::7' };
const REDIS: Peer = { address: '10.20.0.5' };
const PRIVATE: readonly Peer[] = ['10.0.0.1', '169.254.169.254', '192.168.1.1', '172.16.0.1', 'fd00::1'].map((address) => ({ address }));

describe.skipIf(found === null)('the NetworkPolicy', () => {
  const helm = found as Helm; // else it is skipped
  let objects: Rendered[];
  beforeAll(() => {
    objects = render(helm, 'highly-available', ['networkPolicy.redis.to[0].ipBlock.cidr=10.20.0.0/24']);
  });
  const of = (role: string): SpecByKind['NetworkPolicy'] =>
    ofKind(objects, 'NetworkPolicy').find(({ metadata }) => metadata.name.endsWith(role))?.spec ?? expect.unreachable();

  it('is for all pods, and for both directions', () => {
    expect(ofKind(objects, 'NetworkPolicy').map(({ spec }) => spec.policyTypes)).toEqual(Array(3).fill(['Ingress', 'Egress']));
  });

  it('names ports that the pods have', () => {
    for (const { spec } of ofKind(objects, 'Deployment'))
      expect(spec.template.spec.containers[0]?.ports?.map(({ name }) => name)).toEqual(['http', 'metrics']);
  });

  it.each(['gateway', 'worker'])('lets Prometheus alone scrape a %s', (role) => {
    expect(lets(of(role).ingress, PROMETHEUS, 'metrics')).toBe(true);
    for (const peer of [INGRESS, STRANGER, NEIGHBOUR, PROVIDER]) expect(lets(of(role).ingress, peer, 'metrics')).toBe(false);
  });

  it('lets the proxy and the test alone call a gateway, and nobody a worker', () => {
    const test: Peer = { pod: ofKind(objects, 'Pod')[0]?.metadata.labels ?? {} };
    for (const peer of [INGRESS, test]) expect(lets(of('gateway').ingress, peer, 'http')).toBe(true);
    for (const peer of [STRANGER, NEIGHBOUR, PROMETHEUS, PROVIDER]) expect(lets(of('gateway').ingress, peer, 'http')).toBe(false);
    for (const peer of [INGRESS, test, PROMETHEUS]) expect(lets(of('worker').ingress, peer, 'http')).toBe(false);
  });

  it('lets everybody call a gateway where nobody is named', () => {
    const open = render(helm, 'one-node', ['networkPolicy.enabled=true']);
    const [gateway] = ofKind(open, 'NetworkPolicy').filter(({ metadata }) => metadata.name.endsWith('gateway'));
    for (const peer of [INGRESS, STRANGER, PROVIDER]) expect(lets(gateway?.spec.ingress ?? [], peer, 'http')).toBe(true);
  });

  it.each(['gateway', 'worker', 'test'])('lets a %s ask name servers, Redis, its Sentinels and the provider', (role) => {
    for (const protocol of ['UDP', 'TCP']) expect(lets(of(role).egress, STRANGER, 53, protocol)).toBe(true);
    for (const port of [6379, 26_379]) expect(lets(of(role).egress, REDIS, port)).toBe(true);
    for (const peer of [PROVIDER, PROVIDER_V6]) expect(lets(of(role).egress, peer, 443)).toBe(true);
    expect(lets(of(role).egress, PROVIDER, 6379)).toBe(role === 'worker'); // a callback may go there
  });

  it('lets workers alone send callbacks to other ports, as qrcast permits them', () => {
    for (const port of [1_024, 8_443, 65_535]) expect(lets(of('worker').egress, PROVIDER, port)).toBe(true);
    for (const port of [25, 80, 1_023]) expect(lets(of('worker').egress, PROVIDER, port)).toBe(false);
    for (const port of [80, 8_443]) expect(lets(of('gateway').egress, PROVIDER, port)).toBe(false);
  });

  it.each(['gateway', 'worker'])('keeps a %s from private addresses, and from other pods', (role) => {
    for (const peer of [...PRIVATE, STRANGER, NEIGHBOUR])
      for (const port of [443, 8_443]) expect(lets(of(role).egress, peer, port)).toBe(false);
  });
});

describe.skipIf(found === null)('what the world reaches', () => {
  const helm = found as Helm; // else it is skipped
  type Match = readonly [type: string, path: string];
  const matches = (objects: readonly Rendered[]): Record<'Ingress' | 'HTTPRoute', Match[]> => ({
    Ingress: ofKind(objects, 'Ingress').flatMap(({ spec }) =>
      spec.rules.flatMap(({ http }) => http.paths.map(({ pathType, path }): Match => [pathType, path])),
    ),
    HTTPRoute: ofKind(objects, 'HTTPRoute').flatMap(({ spec }) =>
      spec.rules.flatMap(({ matches: all }) => all.map(({ path }): Match => [path.type.replace('Path', ''), path.value])),
    ),
  });
  const HOST = [
    'publicUrl=https://qr.example.com',
    'ingress.enabled=true',
    'httpRoute.enabled=true',
    'httpRoute.parentRefs[0].name=public',
  ];

  it('is the same by Ingress and by HTTPRoute', () => {
    const { Ingress, HTTPRoute } = matches(render(helm, 'everything'));
    expect(Ingress.length).toBeGreaterThan(15);
    expect(HTTPRoute).toEqual(expect.arrayContaining(Ingress));
    expect(HTTPRoute).toHaveLength(Ingress.length);
  });

  it('is neither the admin API nor the health, and the console only if it is wanted', () => {
    const { Ingress } = matches(render(helm, 'one-node', HOST));
    for (const path of ['/v1/admin', '/healthz', '/readyz', '/console']) {
      expect(Ingress.filter(([type, prefix]) => (type === 'Prefix' ? `${path}/`.startsWith(`${prefix}/`) : prefix === path))).toEqual([]);
    }
    expect(matches(render(helm, 'one-node', [...HOST, 'ingress.console=true'])).Ingress).toContainEqual(['Prefix', '/console']);
  });

  it('is below the path of publicUrl, at its host', () => {
    const objects = render(helm, 'everything');
    for (const [, path] of Object.values(matches(objects)).flat()) expect(path).toMatch(/^\/qrcast\//);
    expect(ofKind(objects, 'Ingress')[0]?.spec.rules[0]?.host).toBe('example.com');
    expect(ofKind(objects, 'HTTPRoute')[0]?.spec.hostnames).toEqual(['example.com']);
  });

  it('leads to the external port, and the metrics have a Service of their own', () => {
    const objects = render(helm, 'everything');
    const ports = ofKind(objects, 'Service').map(({ spec }) => spec.ports.map(({ targetPort }) => targetPort));
    expect(ports.sort()).toEqual([['http'], ['metrics']]);
    expect(JSON.stringify([...ofKind(objects, 'Ingress'), ...ofKind(objects, 'HTTPRoute')])).not.toContain('metrics');
  });

  const endpointsOf = (objects: readonly Rendered[]): readonly Endpoint[] => [
    ...ofKind(objects, 'PodMonitor').flatMap(({ spec }) => spec.podMetricsEndpoints),
    ...ofKind(objects, 'ServiceMonitor').flatMap(({ spec }) => spec.endpoints),
  ];
  it.each([
    ['PodMonitor', 'highly-available'],
    ['ServiceMonitor', 'redis-cluster'],
  ])('a %s scrapes with the token, as the job that alerts and board expect', (kind, name) => {
    const objects = render(helm, name);
    expect(objects.filter((object) => object.kind.endsWith('Monitor')).map((object) => object.kind)).toEqual([kind]);
    const [endpoint = expect.unreachable()] = endpointsOf(objects);
    expect(endpoint).toMatchObject({
      port: 'metrics',
      path: '/metrics',
      authorization: { credentials: { name: 'qrcast', key: 'metrics-token' } },
    });
    expect(endpoint.relabelings).toContainEqual({ targetLabel: 'job', replacement: 'qrcast' });
    const ports = ofKind(objects, 'Deployment').map(
      (object) => podOf(object)?.containers[0]?.ports?.find((port) => port.name === endpoint.port)?.containerPort,
    );
    expect(ports).toEqual([9464, 9464]);
  });
});
