/**
 * For tests: what Kubernetes would refuse of an object. The validators are made of its OpenAPI
 * document and of the operators' types. They do not mind unknown fields. So we note which fields they
 * look at: a field that none looked at is unknown.
 */

import { HTTPRoute } from '@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute';
import { PodMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor';
import { PrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule';
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler';
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1/Ingress';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { Pod } from 'kubernetes-models/v1/Pod';
import { Service } from 'kubernetes-models/v1/Service';
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount';

const MODELS = [
  ...[Deployment, HorizontalPodAutoscaler, Ingress, NetworkPolicy, PodDisruptionBudget, ConfigMap, Pod, Service, ServiceAccount],
  ...[HTTPRoute, PodMonitor, PrometheusRule, ServiceMonitor],
];
/** @returns a line for each fault */
export function faultsOf(object: { readonly apiVersion: string; readonly kind: string }): string[] {
  const name = `${object.apiVersion} ${object.kind}`;
  const Model = MODELS.find(({ apiVersion, kind }) => `${apiVersion} ${kind}` === name);
  if (Model === undefined) return [`${name}: no schema`];
  const unknown = new Set<string>();
  const faults: string[] = [];
  try {
    // Not `new Model(object)`: it copies, and so reads, whatever there is.
    Model.prototype.validate.call(watch(object, '', unknown) as never);
  } catch (error) {
    faults.push((error as Error).message);
  }
  return [...faults, ...[...unknown].map((path) => `unknown: ${path}`)].map((fault) => `${name}: ${fault}`);
}

/** Wraps a value. Its fields stay in `unknown` until they are read. */
function watch(value: unknown, path: string, unknown: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const pathOf = (key: string): string => (path === '' ? key : `${path}.${key}`);
  const fields = Object.entries(value).map(([key, inner]) => [key, watch(inner, pathOf(key), unknown)] as const);
  for (const [key] of fields) unknown.add(pathOf(key));
  const copy = Array.isArray(value) ? fields.map(([, inner]) => inner) : Object.fromEntries(fields);
  return new Proxy<object>(copy, {
    get(target, key) {
      unknown.delete(pathOf(String(key)));
      return Reflect.get(target, key);
    },
  });
}
