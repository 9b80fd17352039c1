/**
 * What pages on other origins may do: call the gateway with a ticket, and read its answers. They
 * send no cookies, so every origin is allowed. Where a ticket may be used is checked together with
 * the ticket.
 */

/**
 * Headers that such a page may send. All but our own are harmless: nothing here reads them. They
 * are listed because tracers and HTTP clients add them to every request, and a browser refuses the
 * whole call for one header that is not allowed.
 *
 * The list is fixed. It does not echo what a page asks for. It is not `*` either, because `*` does
 * not cover `Authorization`.
 */
export const REQUEST_HEADERS: readonly string[] = [
  // Our own. Load balancers may route by the affinity header.
  ...['Authorization', 'Content-Type', 'If-None-Match', 'Last-Event-ID', 'X-Qrcast-Affinity'],
  // Sent by clients that want no cached answer, and by libraries that identify themselves.
  ...['Accept', 'Accept-Language', 'Cache-Control', 'Pragma', 'Expires', 'If-Modified-Since', 'X-Requested-With'],
  // W3C Trace Context and Baggage: OpenTelemetry and most others.
  ...['traceparent', 'tracestate', 'baggage'],
  // Request ids, from various tools.
  ...['X-Request-ID', 'X-Correlation-ID', 'X-Trace-ID', 'X-Client-Trace-ID'],
  // Azure Application Insights.
  ...['Request-Id', 'Request-Context', 'X-MS-Request-Id', 'X-MS-Request-Root-Id'],
  'sentry-trace',
  // Zipkin.
  ...['b3', 'X-B3-TraceId', 'X-B3-SpanId', 'X-B3-ParentSpanId', 'X-B3-Sampled', 'X-B3-Flags'],
  // Datadog.
  ...[
    'X-Datadog-Trace-Id',
    'X-Datadog-Parent-Id',
    'X-Datadog-Origin',
    'X-Datadog-Sampling-Priority',
    'X-Datadog-Tags',
    'X-Datadog-Sampled',
  ],
  // New Relic.
  ...['newrelic', 'X-NewRelic-ID', 'X-NewRelic-Transaction'],
  // Google Cloud and AWS.
  ...['X-Cloud-Trace-Context', 'X-Amzn-Trace-Id'],
  // Jaeger and Lightstep.
  ...['uber-trace-id', 'ot-tracer-traceid', 'ot-tracer-spanid', 'ot-tracer-sampled'],
  'elastic-apm-traceparent',
  // Dynatrace, AppDynamics, Instana.
  ...['X-dynaTrace', 'X-dtpc', 'X-dtReferer', 'ADRUM', 'ADRUM_1', 'X-INSTANA-T', 'X-INSTANA-S', 'X-INSTANA-L'],
  // SkyWalking and Alibaba ARMS.
  ...['sw8', 'sw8-correlation', 'sw8-x', 'EagleEye-TraceID', 'EagleEye-SessionID', 'EagleEye-pAppName'],
  // Honeycomb, Grafana Faro, Highlight, LogRocket, PostHog.
  ...['X-Honeycomb-Trace', 'X-Faro-Session-Id', 'X-Highlight-Request', 'X-LogRocket-URL'],
  ...['X-PostHog-Session-Id', 'X-PostHog-Window-Id', 'X-PostHog-Distinct-Id'],
];

/**
 * CORS headers of a preflight and of the call itself. Safari and Chrome keep a preflight for two
 * hours at most.
 */
export const PAGES_MAY_CALL = {
  origin: '*',
  methods: ['GET', 'HEAD', 'POST'],
  allowedHeaders: [...REQUEST_HEADERS],
  exposedHeaders: ['ETag', 'Retry-After', 'Location', 'X-Code-Stale-At', 'X-Request-Id'],
  maxAge: 7_200,
};
