import { propagation, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace-node';
import { type ResourceKey, resourceParts } from '../core/names.js';
import type { AcquireOutcome, AcquireSpan, TraceContext } from '../core/ports.js';

/** Makes a span of every acquire. */
export interface Tracing {
  acquireStarted(resource: ResourceKey, trace: TraceContext | undefined): AcquireSpan;
  /** Sends what is buffered and stops. */
  close(): Promise<void>;
}

/**
 * Tracing to an OpenTelemetry collector. The exporter finds endpoint and headers in the `OTEL_EXPORTER_OTLP_*`
 * variables, the sampler in `OTEL_TRACES_SAMPLER`. Spans wait in a bounded buffer and are dropped when it is full.
 */
export function startTracing(serverId: string, exporter: SpanExporter = new OTLPTraceExporter()): Tracing {
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({
      'service.name': process.env['OTEL_SERVICE_NAME'] ?? 'holdfast-server',
      'service.instance.id': serverId,
    }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  // Only the W3C propagator is wanted of this; tracking contexts through promises would cost every one of them.
  provider.register({ contextManager: null });
  const tracer = provider.getTracer('holdfast');
  return {
    acquireStarted: (resource, trace) => {
      const { namespace, name } = resourceParts(resource);
      const attributes = { 'holdfast.namespace': namespace, 'holdfast.resource': name };
      // What cannot be parsed leaves the context as it is: the span becomes a root.
      const parent = trace === undefined ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, trace);
      return spanOf(tracer.startSpan('holdfast.acquire', { kind: SpanKind.SERVER, attributes }, parent));
    },
    close: () => provider.shutdown(),
  };
}

function spanOf(span: Span): AcquireSpan {
  const startMs = performance.now();
  return {
    end: (outcome: AcquireOutcome) => {
      span.setAttribute('holdfast.outcome', outcome);
      span.setAttribute('holdfast.wait_ms', Math.round((performance.now() - startMs) * 1_000) / 1_000);
      if (outcome === 'failed') span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
  };
}
