/** For tests: a collector of traces. It takes what the SDK sends by OTLP over HTTP as JSON. */

import { openTestReceiver } from '@qrcast/runtime/test/receiver';

export interface ExportedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first of a trace. */
  readonly parentSpanId: string;
  /** Of the process that recorded it. */
  readonly service: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Ids of spans. */
  readonly links: readonly string[];
}

export interface TraceReceiver {
  readonly url: string;
  spans(): readonly ExportedSpan[];
  /** All that was ever sent to it. */
  text(): string;
  close(): Promise<void>;
}

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** The part of an OTLP request that the tests read. */
interface Exported {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}
interface OtlpSpan extends Pick<ExportedSpan, 'name' | 'traceId' | 'spanId'> {
  readonly parentSpanId?: string;
  readonly attributes: readonly Attribute[];
  readonly links: readonly { readonly spanId: string }[];
}

export async function openTraceReceiver(): Promise<TraceReceiver> {
  const { url, received, answer, close } = await openTestReceiver();
  answer(() => 200);
  return {
    url,
    spans: () => received.filter(({ path }) => path === '/v1/traces').flatMap(({ body }) => spansIn(JSON.parse(body) as Exported)),
    text: () => received.map(({ path, headers, body }) => `${path} ${JSON.stringify(headers)} ${body}`).join('\n'),
    close,
  };
}

function spansIn({ resourceSpans }: Exported): ExportedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(valuesOf(resource.attributes)['service.name']);
    return scopeSpans.flatMap(({ spans }) => spans.map((span) => spanOf(span, service)));
  });
}

function spanOf({ parentSpanId = '', attributes, links, ...ids }: OtlpSpan, service: string): ExportedSpan {
  return { ...ids, parentSpanId, service, attributes: valuesOf(attributes), links: links.map(({ spanId }) => spanId) };
}

function valuesOf(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
