import { SpanStatusCode } from '@opentelemetry/api';
import { expect } from 'chai';
import { resourceKey } from '../../server/src/core/names.js';
import { startTracing, type Tracing } from '../../server/src/telemetry/tracing.js';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const parentId = '00f067aa0ba902b7';

interface ExportedSpan {
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly parentSpanContext?: { readonly spanId: string };
  readonly status: { readonly code: number };
  spanContext(): { readonly traceId: string; readonly traceState?: { serialize(): string } };
}

describe('tracing', () => {
  let tracing: Tracing;
  let exported: ExportedSpan[];

  beforeEach(() => {
    exported = [];
    tracing = startTracing('server-1', {
      export: (spans, done) => {
        exported.push(...spans);
        done({ code: 0 });
      },
      shutdown: () => Promise.resolve(),
    });
  });

  async function traced(traceparent: string | undefined, tracestate = ''): Promise<ExportedSpan> {
    const trace = traceparent === undefined ? undefined : { traceparent, tracestate };
    tracing.acquireStarted(resourceKey('default', 'orders/42'), trace).end('granted');
    await tracing.close();
    const [span] = exported;
    if (span === undefined) throw new Error('no span');
    return span;
  }

  it('makes a span of an acquire, a child of its caller', async () => {
    const span = await traced(`00-${traceId}-${parentId}-01`, 'vendor=1');
    expect(span.name).to.equal('holdfast.acquire');
    expect(span.spanContext().traceId).to.equal(traceId);
    expect(span.spanContext().traceState?.serialize()).to.equal('vendor=1');
    expect(span.parentSpanContext?.spanId).to.equal(parentId);
    expect(span.attributes).to.include({
      'holdfast.namespace': 'default',
      'holdfast.resource': 'orders/42',
      'holdfast.outcome': 'granted',
    });
    expect(span.attributes['holdfast.wait_ms']).to.be.a('number').and.at.least(0);
  });

  it('respects a caller that does not record', async () => {
    tracing
      .acquireStarted(resourceKey('default', 'x'), { traceparent: `00-${traceId}-${parentId}-00`, tracestate: '' })
      .end('granted');
    await tracing.close();
    expect(exported).to.deep.equal([]);
  });

  for (const malformed of [
    '',
    'x',
    `00-${traceId}-${parentId}`,
    `00-${'0'.repeat(32)}-${parentId}-01`,
    `ff-${traceId}-${parentId}-01`,
  ]) {
    it(`takes ${JSON.stringify(malformed)} for no caller`, async () => {
      expect((await traced(malformed)).parentSpanContext).to.equal(undefined);
    });
  }

  it('starts a trace where there is no caller', async () => {
    expect((await traced(undefined)).parentSpanContext).to.equal(undefined);
  });

  it('marks a failed acquire', async () => {
    tracing.acquireStarted(resourceKey('default', 'x'), undefined).end('failed');
    await tracing.close();
    expect(exported[0]?.status.code).to.equal(SpanStatusCode.ERROR);
  });
});
