import { describe, expect, it } from 'vitest';
import { faultsOf } from './kubernetes.ts';
import type { Rendered } from './rendered.ts';

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
