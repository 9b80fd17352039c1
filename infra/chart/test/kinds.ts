/** For tests: what they read of the objects of each kind. The schemas judge the rest. */

export type Labels = Readonly<Record<string, string>>;

export interface EnvVariable {
  readonly name: string;
  readonly value?: string;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly EnvVariable[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly [field: string]: unknown;
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly terminationGracePeriodSeconds?: number;
  readonly volumes: readonly { readonly name: string; readonly secret?: { readonly items?: readonly { readonly key: string }[] } }[];
  readonly [field: string]: unknown;
}

/** Where and how Prometheus scrapes. */
export interface Endpoint {
  readonly port: string;
  readonly relabelings: readonly { readonly targetLabel: string; readonly replacement: string }[];
}

interface IngressRule {
  readonly host: string;
  readonly http: { readonly paths: readonly { readonly pathType: string; readonly path: string }[] };
}

interface Metric {
  readonly resource?: { readonly name: string };
  readonly pods?: { readonly metric: { readonly name: string } };
}

export interface Selector {
  readonly matchLabels?: Labels;
}
/** Of a NetworkPolicy. */
export interface PolicyPeer {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}
/** Of a NetworkPolicy. */
export interface Rule {
  readonly ports?: readonly { readonly port: number | string; readonly endPort?: number; readonly protocol: string }[];
  readonly from?: readonly PolicyPeer[];
  readonly to?: readonly PolicyPeer[];
}

export interface SpecByKind {
  readonly Pod: PodSpec;
  readonly Deployment: {
    readonly replicas?: number;
    readonly template: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec };
  };
  readonly Service: { readonly selector: Labels; readonly ports: readonly { readonly targetPort: string }[] };
  readonly Ingress: { readonly rules: readonly IngressRule[] };
  readonly HTTPRoute: {
    readonly hostnames: readonly string[];
    readonly rules: readonly { readonly matches: readonly { readonly path: { readonly type: string; readonly value: string } }[] }[];
  };
  readonly NetworkPolicy: {
    readonly podSelector: Selector;
    readonly policyTypes: readonly string[];
    readonly ingress: readonly Rule[];
    readonly egress: readonly Rule[];
  };
  readonly HorizontalPodAutoscaler: { readonly metrics: readonly Metric[] };
  readonly PodDisruptionBudget: { readonly maxUnavailable?: number; readonly minAvailable?: number };
  readonly PodMonitor: { readonly podMetricsEndpoints: readonly Endpoint[] };
  readonly ServiceMonitor: { readonly endpoints: readonly Endpoint[] };
}
