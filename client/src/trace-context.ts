import { context, isSpanContextValid, trace } from '@opentelemetry/api';

/** Longer trace state is left out: it need not be passed on, and every Acquire would carry it. */
const MAX_TRACESTATE_LENGTH = 512;

const NONE = { traceparent: '', tracestate: '' } as const;

/** The caller's span in W3C form, read from the active context; empty when nothing is being traced. */
export function activeTraceContext(): { readonly traceparent: string; readonly tracestate: string } {
  const span = trace.getSpanContext(context.active());
  if (span === undefined || !isSpanContextValid(span)) return NONE;
  const flags = (span.traceFlags & 0xff).toString(16).padStart(2, '0');
  const tracestate = span.traceState?.serialize() ?? '';
  return {
    traceparent: `00-${span.traceId}-${span.spanId}-${flags}`,
    tracestate: tracestate.length > MAX_TRACESTATE_LENGTH ? '' : tracestate,
  };
}
