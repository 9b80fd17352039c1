/** The pods that helm makes of the chart: their rights, variables, secrets and time to stop. Skipped without helm. */

import { fileVariableOf } from '@qrcast/runtime/process/environment';
import { isSecret, SETTINGS, type SettingName } from '@qrcast/runtime/process/settings-table';
import { beforeAll, describe, expect, it } from 'vitest';
import { findHelm, type Helm } from '../test/helm.ts';
import type { PodSpec } from '../test/kinds.ts';
import { deployment, podOf, type Rendered, render, VALUES_FILES } from '../test/rendered.ts';

const found = findHelm();
const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[]; // the table's own
const FILE_NAMES = SETTING_NAMES.filter(isSecret).map(fileVariableOf);
/** What values/everything.yaml adds itself. */
const OF_NODE = ['NODE_EXTRA_CA_CERTS'];

describe.skipIf(found === null)('a pod', () => {
  const helm = found as Helm; // else it is skipped
  let objects: Rendered[];
  let pods: PodSpec[];
  beforeAll(() => {
    objects = Object.keys(VALUES_FILES).flatMap((name) => render(helm, name));
    pods = objects.flatMap((object) => podOf(object) ?? []);
  });
  const variables = () => pods.flatMap(({ containers }) => containers.flatMap(({ env = [] }) => env));
  const roleOf = (name: string, role: 'gateway' | 'worker', sets: readonly string[] = []): PodSpec =>
    podOf(deployment(render(helm, name, sets), role)) ?? expect.unreachable();
  const keysOf = ({ volumes }: PodSpec): (string | undefined)[] =>
    volumes.flatMap(({ secret }) => (secret?.items ?? []).map(({ key }) => key)).sort();

  it('is not root, writes no file, has no rights and no token, and gets no variables of Services', () => {
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
    expect(roleOf('one-node', 'gateway')['securityContext']).toMatchObject({ runAsUser: 65_532, runAsGroup: 65_532, fsGroup: 65_532 });
    expect(Object.keys(roleOf('openshift', 'gateway')['securityContext'] as object)).toEqual(['runAsNonRoot', 'seccompProfile']);
  });

  it('is given variables that are settings, each once', () => {
    const names = variables().map(({ name }) => name);
    expect(names.filter((name) => ![...SETTING_NAMES, ...FILE_NAMES, ...OF_NODE].includes(name))).toEqual([]);
    for (const pod of pods) for (const { env = [] } of pod.containers) expect(new Set(env.map(({ name }) => name)).size).toBe(env.length);
  });

  it('has its numbers and its words written out', () => {
    expect(variables()).toContainEqual({ name: 'QRCAST_AUDIT_ENTRIES', value: '1000000' });
    expect(variables()).toContainEqual({ name: 'QRCAST_CONSOLE', value: 'on' });
    for (const { value } of variables()) expect(value).toBeTypeOf('string');
  });

  it('is given secrets by files alone', () => {
    const secrets = variables().filter(({ name }) => [...SETTING_NAMES.filter(isSecret), ...FILE_NAMES].includes(name));
    expect(new Set(secrets.map(({ name }) => name)).size).toBe(6);
    for (const variable of secrets)
      expect(variable).toEqual({
        name: expect.stringMatching(/_FILE$/),
        value: expect.stringMatching(/^\/run\/secrets\/qrcast\/[a-z-]+$/),
      });
  });

  it('is given no secret that its role does not read', () => {
    const all = { ...{ gateway: ['admin-key', 'redis-url', 'secret-keys'], worker: ['redis-url', 'secret-keys'] } };
    for (const role of ['gateway', 'worker'] as const) {
      expect(keysOf(roleOf('one-node', role))).toEqual(all[role]);
      expect(keysOf(roleOf('one-node', role, ['metrics.enabled=true']))).toEqual([...all[role], 'metrics-token'].sort());
    }
    expect(keysOf(roleOf('one-node', 'gateway', ['existingSecret.keys.QRCAST_ADMIN_KEY=null']))).toEqual(['redis-url', 'secret-keys']);
  });

  it('needs no Secret where all come as variables', () => {
    const nothing = ['REDIS_URL', 'QRCAST_SECRET_KEYS', 'QRCAST_ADMIN_KEY', 'QRCAST_METRICS_TOKEN'].map(
      (name) => `existingSecret.keys.${name}=null`,
    );
    const pod = roleOf('one-node', 'gateway', [...nothing, 'existingSecret.name=', 'envFrom[0].secretRef.name=mine']);
    expect(pod.volumes.map(({ name }) => name)).toEqual(['tmp']);
    expect(pod.containers[0]?.['envFrom']).toEqual([{ secretRef: { name: 'mine' } }]);
  });

  it('has words alone as arguments, and no ConfigMap beside the board is made', () => {
    for (const { containers } of pods)
      for (const { args = [] } of containers) expect(['gateway', 'worker', 'doctor', undefined]).toContain(args[0]);
    const dataOf = (kind: string): string[][] => objects.filter((one) => one.kind === kind).map(({ data = {} }) => Object.keys(data));
    expect(dataOf('ConfigMap')).toEqual([['qrcast.json']]);
    expect(dataOf('Secret')).toEqual([]);
  });

  it.each(['gateway', 'worker'] as const)('of a %s is given longer to stop than it may take', (role) => {
    expect(roleOf('one-node', role).terminationGracePeriodSeconds).toBe(45);
    const pod = roleOf('one-node', role, ['shutdown.drainSeconds=60', 'shutdown.graceSeconds=75']);
    expect(pod.containers[0]?.env).toContainEqual({ name: 'QRCAST_DRAIN_MS', value: '60000' });
    expect(pod.terminationGracePeriodSeconds).toBe(75);
  });

  it('of a gateway waits before it stops, without a shell', () => {
    expect(roleOf('one-node', 'gateway').containers[0]?.['lifecycle']).toEqual({ preStop: { sleep: { seconds: 5 } } });
    expect(roleOf('one-node', 'worker').containers[0]).not.toHaveProperty('lifecycle');
  });
});
