/**
 * Traces, by the API of OpenTelemetry alone. The SDK is the operator's, who loads it before this
 * program. Without one nothing is recorded, and nothing is passed on.
 *
 *   poll ─┬─ request           notification ── commit ── …      subscribe
 *         └─ commit ─┬─ deliver, on one gateway                 callback
 *                    └─ deliver, on another
 *
 * A span has the attributes below and no others, so that no secret reaches one. An error is told by
 * its class alone.
 */

import { setTimeout as delay } from 'node:timers/promises';
import {
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';

export type SpanName = 'poll' | 'request' | 'commit' | 'notification' | 'deliver' | 'subscribe' | 'callback';

/** OPERATING.md says what each of them means. */
export interface SpanAttributes {
  readonly 'qrcast.session'?: string;
  readonly 'qrcast.tenant'?: string;
  readonly 'qrcast.version'?: number;
  readonly 'qrcast.state'?: string;
  readonly 'qrcast.changed'?: boolean;
  readonly 'qrcast.method'?: string;
  readonly 'qrcast.host'?: string;
  readonly 'qrcast.outcome'?: string;
  readonly 'qrcast.verdict'?: string;
  readonly 'qrcast.viewers'?: number;
  readonly 'qrcast.transport'?: string;
  readonly 'qrcast.callback'?: string;
  readonly 'qrcast.type'?: string;
  readonly 'qrcast.status'?: number;
}

/** Adds attributes to a span that has not ended. */
export type Note = (attributes: SpanAttributes) => void;

const ERROR_TYPE = 'error.type';

const tracer = (): Tracer => trace.getTracer('qrcast');

/** Runs it in a span that begins a trace. */
export function traced<T>(name: SpanName, attributes: SpanAttributes, run: (note: Note) => Promise<T>): Promise<T> {
  return tracer().startActiveSpan(name, { attributes: { ...attributes }, root: true }, (span) => runIn(span, run));
}

/** Runs it in a span below the one that is under way. Without one that is recorded, it only runs. */
export function tracedWithin<T>(name: SpanName, attributes: SpanAttributes, run: (note: Note) => Promise<T>): Promise<T> {
  if (trace.getActiveSpan()?.isRecording() !== true) return run(noteNothing);
  return tracer().startActiveSpan(name, { attributes: { ...attributes } }, (span) => runIn(span, run));
}

const noteNothing: Note = () => undefined;

async function runIn<T>(span: Span, run: (note: Note) => Promise<T>): Promise<T> {
  try {
    return await run((attributes) => void span.setAttributes({ ...attributes }));
  } catch (error) {
    span.setAttribute(ERROR_TYPE, error instanceof Error ? error.name : typeof error);
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}

/**
 * Begins a span below one of another process, and returns what ends it. It is not the active span,
 * so what is begun meanwhile is no part of it.
 */
export function beginBelow(name: SpanName, traceparent: string, attributes: () => SpanAttributes): () => void {
  const parent = parseTraceparent(traceparent);
  const span = tracer().startSpan(name, {}, parent === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent));
  if (span.isRecording()) span.setAttributes({ ...attributes() });
  return () => span.end();
}

/**
 * Begins a trace with a span that is not the active one. Returns what ends it, with a link to a span
 * of another trace if there is one.
 */
export function beginApart(name: SpanName, attributes: SpanAttributes): (linked: string | undefined) => void {
  const span = tracer().startSpan(name, { attributes: { ...attributes }, root: true });
  return (linked) => {
    const linkedContext = linked === undefined ? null : parseTraceparent(linked);
    if (linkedContext !== null) span.addLink({ context: linkedContext });
    span.end();
  };
}

/** Of the active span, as the W3C writes it. Null unless its trace is recorded. */
export function activeTraceparent(): string | null {
  const span = trace.getActiveSpan();
  const active = span?.spanContext();
  if (span?.isRecording() !== true || active === undefined || (active.traceFlags & TraceFlags.SAMPLED) === 0 || !isSpanContextValid(active))
    return null;
  return `00-${active.traceId}-${active.spanId}-01`;
}

/** Without trace state: what a gateway does is no matter of another vendor's. */
function parseTraceparent(traceparent: string): SpanContext | null {
  const [, traceId = '', spanId = ''] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-01$/.exec(traceparent) ?? [];
  const parsed: SpanContext = { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
  return isSpanContextValid(parsed) ? parsed : null;
}

/** The SDK's provider of tracers; the API knows neither of these methods. */
interface Provider {
  getDelegate?(): Provider;
  forceFlush?(): Promise<void>;
}

/** Call it last: the SDK exports in batches, and a process that exits loses its last one. Never rejects. */
export async function flushTraces(atMostMs: number): Promise<void> {
  const global = trace.getTracerProvider() as Provider;
  const provider = global.getDelegate?.() ?? global;
  const stop = new AbortController();
  // The SDK tells of a collector that is down. A foreign provider may throw, or return no promise.
  const flushed = Promise.resolve()
    .then(() => provider.forceFlush?.())
    .catch(() => undefined);
  await Promise.race([flushed, delay(atMostMs, undefined, { signal: stop.signal }).catch(() => undefined)]);
  stop.abort();
}
