import { expect } from 'chai';
import { type LeaseId, resourceKey, type SessionId } from '../../server/src/core/names.js';
import type { CoreEvent } from '../../server/src/core/ports.js';
import { CoreMetrics } from '../../server/src/telemetry/core-metrics.js';
import { coreTelemetry } from '../../server/src/telemetry/core-telemetry.js';
import { LOG_EVENTS, type LogEventName, type LogFields, type LogLevel } from '../../server/src/telemetry/log-events.js';
import type { Logger } from '../../server/src/telemetry/logger.js';
import { PrettyLines } from '../../server/src/telemetry/pretty-lines.js';

const sessionId = '01890a5d-ac96-774b-bcce-b302099a8057' as SessionId;
const leaseId = '01890a5d-ac96-774b-bcce-b302099a8058' as LeaseId;

class RecordedLog implements Logger {
  readonly lines: { readonly event: LogEventName; readonly fields: Readonly<Record<string, unknown>> }[] = [];

  constructor(private readonly silent: readonly LogEventName[] = []) {}

  log<E extends LogEventName>(event: E, fields: LogFields<E>): void {
    this.lines.push({ event, fields });
  }
  enabled(event: LogEventName): boolean {
    return !this.silent.includes(event);
  }
  dropped(): number {
    return 0;
  }
  flush(): never {
    throw new Error('only the process flushes');
  }
  close(): never {
    throw new Error('only the process closes');
  }
}

describe('event log', () => {
  const cases: readonly (readonly [CoreEvent, LogLevel, object])[] = [
    [
      { kind: 'session_opened', sessionId, clientName: 'invoicer', resumed: false },
      'info',
      { sessionId, clientName: 'invoicer', resumed: false },
    ],
    [{ kind: 'session_detached', sessionId, leases: 2, waiters: 1 }, 'info', { sessionId, leases: 2, waiters: 1 }],
    [{ kind: 'session_ended', sessionId, cause: 'grace_over' }, 'info', { sessionId, cause: 'grace_over' }],
    [{ kind: 'held_set_differs', sessionId }, 'warn', { sessionId }],
    [
      {
        kind: 'lease_lost',
        sessionId,
        leaseId,
        resource: resourceKey('default', 'orders/42'),
        token: 1_790_000_000_000_001n,
        reason: 'expired',
      },
      'warn',
      {
        sessionId,
        leaseId,
        namespace: 'default',
        resource: 'orders/42',
        token: '1790000000000001',
        reason: 'expired',
      },
    ],
    [{ kind: 'store_unavailable', message: 'disk full' }, 'warn', { cause: 'disk full' }],
    [{ kind: 'store_available' }, 'info', {}],
  ];
  for (const [event, level, fields] of cases) {
    it(`writes ${event.kind} as ${level}`, () => {
      const log = new RecordedLog();
      coreTelemetry(new CoreMetrics(), log, undefined, () => undefined).event(event);
      expect(log.lines).to.deep.equal([{ event: event.kind, fields }]);
      expect(LOG_EVENTS[event.kind]).to.include({ level });
      expect(Object.keys(fields)).to.have.members([...LOG_EVENTS[event.kind].fields]);
      expect(() => JSON.stringify(log.lines)).to.not.throw();
    });
  }

  it('writes nothing below the level', () => {
    const log = new RecordedLog(['store_available']);
    coreTelemetry(new CoreMetrics(), log, undefined, () => undefined).event({ kind: 'store_available' });
    expect(log.lines).to.deep.equal([]);
  });

  it('passes on that the store went and came back', () => {
    const seen: boolean[] = [];
    const telemetry = coreTelemetry(new CoreMetrics(), new RecordedLog(), undefined, (available) =>
      seen.push(available),
    );
    telemetry.event({ kind: 'store_unavailable', message: 'disk full' });
    telemetry.event({ kind: 'held_set_differs', sessionId });
    telemetry.event({ kind: 'store_available' });
    expect(seen).to.deep.equal([false, true]);
  });

  it('starts no spans where nothing is traced', () => {
    const telemetry = coreTelemetry(new CoreMetrics(), new RecordedLog(), undefined, () => undefined);
    expect(telemetry.acquireStarted(resourceKey('default', 'x'), undefined)).to.equal(undefined);
  });
});

describe('lines for people', () => {
  function pretty(line: object): string {
    let written = '';
    new PrettyLines({ write: (text) => (written += text) }, false).write(`${JSON.stringify(line)}\n`);
    return written;
  }

  it('show time, level, message and fields', () => {
    const line = {
      level: 'warn',
      time: '2026-01-02T03:04:05.678Z',
      client: 'a b',
      leases: 2,
      event: 'e',
      msg: 'session lost',
    };
    expect(pretty(line)).to.equal('03:04:05 WARN  session lost  client="a b"  leases=2\n');
  });

  it('show an error with its stack', () => {
    const line = {
      level: 'fatal',
      time: '2026-01-02T03:04:05.678Z',
      error: { stack: 'Error: x\n    at y' },
      msg: 'no',
    };
    expect(pretty(line)).to.equal('03:04:05 FATAL no  error=\nError: x\n    at y\n');
  });

  it('keep control characters of clients away from the terminal', () => {
    const line = { level: 'info', time: '2026-01-02T03:04:05.678Z', clientName: '\u001b[2J', msg: 'session opened' };
    expect(pretty(line)).to.not.include('\u001b');
  });
});
