/** The schema of values.yaml. Helm refuses whatever it does not name. Pure. */

import { type JsonSchema, SECRET_SETTINGS, SETTINGS_BY_VALUE, settingsSchema } from './setting-schemas.ts';

const object = (properties: Readonly<Record<string, JsonSchema>>): JsonSchema => ({
  type: 'object',
  additionalProperties: false,
  properties,
});
const whole = (minimum: number, maximum?: number): JsonSchema => ({
  type: 'integer',
  minimum,
  ...(maximum === undefined ? {} : { maximum }),
});
const oneOf = (...words: readonly (string | null)[]): JsonSchema => ({ enum: words });
const matching = (pattern: string, maxLength?: number): JsonSchema => ({
  type: 'string',
  pattern,
  ...(maxLength === undefined ? {} : { maxLength }),
});

const TEXT: JsonSchema = { type: 'string' };
const SWITCH: JsonSchema = { type: 'boolean' };
/** As Kubernetes has it: it judges that itself. */
const MAP: JsonSchema = { type: 'object' };
const LIST: JsonSchema = { type: 'array', items: MAP };
const TEXTS: JsonSchema = { type: 'object', additionalProperties: TEXT };

const NAME = '^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$';
/** With dots: a Secret, a namespace's account. */
const LONG_NAME = '^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$';
const FILE_NAME = '^[-._a-zA-Z0-9]*$';
const PORT = whole(1, 65_535);
/** A scrape takes 5 s while Redis does not answer. */
const TEN_SECONDS_OR_MORE = '^([1-9]\\d+s|[1-9]\\d*m)$';
const SPREAD = oneOf('ScheduleAnyway', 'DoNotSchedule', null);
/** `existingSecret.keys` and `settings` have their names. */
const SETTING_NAME = '^(QRCAST_.*|PORT|(REDIS_URL|(HTTPS|https|NO|no)_(PROXY|proxy))(_FILE)?)$';
const EXTRA_ENV: JsonSchema = {
  type: 'array',
  items: { type: 'object', required: ['name'], properties: { name: { type: 'string', minLength: 1, not: { pattern: SETTING_NAME } } } },
};

const BUDGET = object({
  enabled: SWITCH,
  maxUnavailable: { type: ['integer', 'string'], minimum: 0, pattern: '^\\d{1,3}%$' },
});

function roleOf(name: 'gateway' | 'worker', more: Readonly<Record<string, JsonSchema>>, target: string): JsonSchema {
  return object({
    replicas: whole(0, 1_000),
    settings: settingsSchema(SETTINGS_BY_VALUE[name]),
    resources: object({ requests: MAP, limits: MAP, claims: LIST }),
    podAnnotations: TEXTS,
    podLabels: TEXTS,
    nodeSelector: TEXTS,
    tolerations: LIST,
    affinity: MAP,
    priorityClassName: TEXT,
    podDisruptionBudget: BUDGET,
    autoscaling: object({
      enabled: SWITCH,
      minReplicas: whole(1),
      maxReplicas: whole(1),
      targetCpuPercent: whole(1, 100),
      [target]: whole(0),
    }),
    ...more,
  });
}

const GATEWAY = roleOf(
  'gateway',
  {
    service: object({
      type: oneOf('ClusterIP', 'NodePort', 'LoadBalancer'),
      port: PORT,
      annotations: TEXTS,
      sessionAffinity: oneOf('None', 'ClientIP'),
    }),
  },
  'targetConnections',
);
const WORKER = roleOf('worker', {}, 'targetLatenessMilliseconds');

const SECRET = object({
  name: matching(LONG_NAME, 253),
  keys: object(Object.fromEntries(SECRET_SETTINGS.map((name) => [name, { type: ['string', 'null'], pattern: FILE_NAME }]))),
});

const NETWORK_POLICY = object({
  enabled: SWITCH,
  gatewayFrom: LIST,
  // An empty list of peers would mean everybody.
  prometheus: { ...LIST, minItems: 1 },
  dns: LIST,
  redis: object({ to: LIST, ports: { type: 'array', items: PORT, minItems: 1 } }),
  privateRanges: { type: 'array', items: matching('^[0-9a-f.:]+/\\d{1,3}$') },
  extraEgress: LIST,
});

const IMAGE = object({
  repository: { type: 'string', minLength: 1 },
  tag: TEXT,
  digest: matching('^(sha256:[0-9a-f]{64})?$'),
  pullPolicy: oneOf('IfNotPresent', 'Always', 'Never'),
  pullSecrets: LIST,
});

const monitor = (): JsonSchema => object({ enabled: SWITCH, labels: TEXTS, interval: matching(TEN_SECONDS_OR_MORE) });

export const VALUES_SCHEMA: JsonSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Values of the chart qrcast',
  ...object({
    image: IMAGE,
    nameOverride: matching(NAME, 40),
    fullnameOverride: matching('^([a-z]([-a-z0-9]*[a-z0-9])?)?$', 50),
    publicUrl: matching('^(https?://[^\\s?#@]+)?$'),
    existingSecret: SECRET,
    redisTls: object({
      existingSecret: matching(LONG_NAME, 253),
      ca: matching(FILE_NAME),
      certificate: matching(FILE_NAME),
      key: matching(FILE_NAME),
    }),
    settings: settingsSchema(SETTINGS_BY_VALUE.both),
    extraEnv: EXTRA_ENV,
    envFrom: LIST,
    extraVolumes: LIST,
    extraVolumeMounts: LIST,
    gateway: GATEWAY,
    worker: WORKER,
    // A sleep of 0 is refused by Kubernetes before 1.33.
    shutdown: object({ preStopSeconds: whole(1, 600), drainSeconds: whole(0, 600), graceSeconds: whole(11) }),
    topologySpread: object({ zones: SPREAD, nodes: SPREAD }),
    serviceAccount: object({ create: SWITCH, name: matching(LONG_NAME, 253), annotations: TEXTS }),
    // Whoever needs root has another image.
    podSecurityContext: {
      type: 'object',
      properties: { runAsNonRoot: { const: true }, runAsUser: { type: ['integer', 'null'], minimum: 1 } },
    },
    ingress: object({ enabled: SWITCH, className: TEXT, annotations: TEXTS, tlsSecret: matching(LONG_NAME, 253), console: SWITCH }),
    httpRoute: object({ enabled: SWITCH, parentRefs: LIST, timeouts: { type: ['object', 'null'] }, console: SWITCH }),
    networkPolicy: NETWORK_POLICY,
    metrics: object({ enabled: SWITCH }),
    serviceMonitor: monitor(),
    podMonitor: monitor(),
    prometheusRule: object({ enabled: SWITCH, labels: TEXTS }),
    grafanaDashboard: object({ enabled: SWITCH, labels: TEXTS, annotations: TEXTS }),
    // Helm adds it where the chart is part of another.
    global: MAP,
  }),
};
