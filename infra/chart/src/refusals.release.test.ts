/** What helm refuses of values, and in which words. It is skipped without helm. */

import { describe, expect, it } from 'vitest';
import { findHelm, type Helm } from '../test/helm.ts';
import { fileOf } from '../test/rendered.ts';

const found = findHelm();

describe.skipIf(found === null)('helm refuses', () => {
  const helm = found as Helm; // else it is skipped
  const AUTOSCALED = 'gateway.autoscaling.enabled=true';

  const refusal = (set: string, release?: string): string => {
    const { isGood, text } = helm.template(['-f', fileOf('one-node'), ...(set === '' ? [] : ['--set', set])], release);
    return isGood ? 'it was rendered' : text;
  };

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
    [
      'metrics.enabled=true,existingSecret.keys.QRCAST_METRICS_TOKEN=null',
      'metrics.enabled needs existingSecret.keys.QRCAST_METRICS_TOKEN',
    ],
    ['podMonitor.interval=5s', '/podMonitor/interval'],
    ['ingress.enabled=true', 'set publicUrl'],
    ['publicUrl=https://a.example,httpRoute.enabled=true', 'set httpRoute.parentRefs'],
    [`${AUTOSCALED},gateway.autoscaling.minReplicas=7`, 'gateway.autoscaling.minReplicas is 7, above maxReplicas'],
    [`${AUTOSCALED},gateway.autoscaling.targetConnections=100`, 'set metrics.enabled'],
    [`${AUTOSCALED},gateway.resources.requests=null`, 'set gateway.resources.requests.cpu'],
    ['networkPolicy.prometheus=null,networkPolicy.prometheus={}', '/networkPolicy/prometheus'],
    ['redisTls.existingSecret=tls,redisTls.key=tls.key', 'set both or none'],
  ])('%s, and says: %s', (set, words) => {
    expect(refusal(set)).toContain(words);
  });

  it('a release that begins with a digit, and says what to do', () => {
    expect(refusal('', '2024')).toContain('set fullnameOverride');
    expect(refusal('fullnameOverride=qrcast', '2024')).toBe('it was rendered');
  });

  it('a grace that is one second too short, and no more', () => {
    expect(refusal('shutdown.drainSeconds=60,shutdown.graceSeconds=74')).toContain('a stop takes up to 75 s');
    expect(refusal('shutdown.drainSeconds=60,shutdown.graceSeconds=75')).toBe('it was rendered');
  });
});
