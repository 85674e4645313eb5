import { type Context, type ContextManager, context, ROOT_CONTEXT, type SpanContext, trace } from '@opentelemetry/api';
import { expect } from 'chai';
import { ClientHarness } from './client-harness.js';

/** One active context for everybody, which is all that is needed here. */
class FixedContext implements ContextManager {
  constructor(private readonly fixed: Context) {}
  active(): Context {
    return this.fixed;
  }
  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    _context: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return fn.call(thisArg, ...args);
  }
  bind<T>(_context: Context, target: T): T {
    return target;
  }
  enable(): this {
    return this;
  }
  disable(): this {
    return this;
  }
}

const span: SpanContext = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: 1,
};

async function acquired(active: SpanContext | undefined): Promise<{ traceparent: string; tracestate: string }> {
  const fixed = active === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, active);
  context.setGlobalContextManager(new FixedContext(fixed));
  const harness = await ClientHarness.connected();
  await harness.hold('r');
  const { traceparent, tracestate } = harness.stream.last('acquire').value;
  return { traceparent, tracestate };
}

describe('client: traces', () => {
  afterEach(() => context.disable());

  it('carry the span that asks', async () => {
    expect(await acquired(span)).to.deep.equal({
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      tracestate: '',
    });
  });

  for (const [length, carried] of [
    [512, true],
    [513, false],
  ] as const) {
    it(`${carried ? 'carry' : 'leave out'} a state of ${length} characters`, async () => {
      const state = 'v'.repeat(length);
      const traceState = {
        serialize: () => state,
        get: () => undefined,
        set: () => traceState,
        unset: () => traceState,
      };
      expect((await acquired({ ...span, traceState })).tracestate).to.equal(carried ? state : '');
    });
  }

  it('carry nothing where nothing is traced', async () => {
    expect(await acquired(undefined)).to.deep.equal({ traceparent: '', tracestate: '' });
    expect(await acquired({ ...span, traceId: '0'.repeat(32) })).to.deep.equal({ traceparent: '', tracestate: '' });
  });
});
