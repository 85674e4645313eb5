import { SessionResponse } from '@holdfast/protocol';
import { expect } from 'chai';
import fc from 'fast-check';
import type { ExtendedFrame, ServerFrame } from '../../server/src/core/frames.js';
import { MAX_OUT_MESSAGE_BYTES, Outbox } from '../../server/src/rpc/outbox.js';

type WireFrames = SessionResponse['frames'];

function released(id: number): ServerFrame {
  return { kind: 'released', id, outcome: 'released' };
}

function extended(anchor: number, requestIds: readonly number[], differs: Partial<ExtendedFrame> = {}): ExtendedFrame {
  return {
    kind: 'extended',
    id: 0,
    anchor,
    groups: [{ durationMs: 9_000, requestIds }],
    heartbeatIntervalMs: 0,
    ...differs,
  };
}

function drain(outbox: Outbox): WireFrames[] {
  const messages: WireFrames[] = [];
  for (let bytes = outbox.takeMessage(); bytes !== undefined; bytes = outbox.takeMessage()) {
    expect(bytes.length).to.be.at.most(MAX_OUT_MESSAGE_BYTES);
    messages.push(SessionResponse.decode(bytes).frames);
  }
  expect(outbox).to.include({ frames: 0, bytes: 0, isEmpty: true });
  return messages;
}

/** `anchor: leases` of every extension, in order. */
function extensions(outbox: Outbox): string[] {
  return drain(outbox)
    .flat()
    .flatMap(({ kind }) => (kind?.$case === 'extended' ? [kind.value] : []))
    .map(({ anchor, groups }) => `${anchor}: ${groups.flatMap(({ requestIds }) => requestIds).join(' ')}`);
}

describe('An outbox', () => {
  it('gives back everything in order, in messages of 64 KiB at most', () => {
    const outbox = new Outbox();
    const message = 'm'.repeat(1_000);
    for (let id = 1; id <= 200; id += 1) {
      outbox.push({ kind: 'failed', id, failure: { reason: 'FIELD_INVALID', message } });
    }
    const messages = drain(outbox);
    expect(messages.length).to.be.greaterThan(1);
    expect(messages.flat().map(({ id }) => Number(id))).to.deep.equal(Array.from({ length: 200 }, (_, at) => at + 1));
  });

  it('gives back everything in order when filled and emptied by turns', () => {
    const outbox = new Outbox();
    const seen: number[] = [];
    let id = 0;
    for (let round = 0; round < 50; round += 1) {
      for (let each = 0; each < 400; each += 1) outbox.push(released(++id));
      for (let bytes = 0; bytes < 1; bytes += 1) {
        const message = outbox.takeMessage();
        if (message !== undefined)
          seen.push(...SessionResponse.decode(message).frames.map((frame) => Number(frame.id)));
      }
    }
    seen.push(
      ...drain(outbox)
        .flat()
        .map((frame) => Number(frame.id)),
    );
    expect(seen).to.deep.equal(Array.from({ length: id }, (_, at) => at + 1));
  });

  it('cuts an answer that extends too many leases for one message into the answer and pushes', () => {
    const outbox = new Outbox();
    const requestIds = Array.from({ length: 20_000 }, (_, at) => Number.MAX_SAFE_INTEGER - at);
    outbox.push(extended(5, requestIds, { id: 5, heartbeatIntervalMs: 700 }));
    const frames = drain(outbox).flat();
    expect(frames.length).to.be.greaterThan(2);
    expect(frames.map(({ id }) => id)).to.deep.equal(frames.map((_, at) => (at === 0 ? 5n : 0n)));
    const values = frames.flatMap(({ kind }) => (kind?.$case === 'extended' ? [kind.value] : []));
    expect(values.map(({ heartbeatIntervalMs }) => heartbeatIntervalMs)).to.deep.equal(
      values.map((_, at) => (at === 0 ? 700 : 0)),
    );
    expect(values.every(({ anchor }) => anchor === 5n)).to.equal(true);
    const told = values.flatMap(({ groups }) => groups.flatMap((group) => group.requestIds.map(Number)));
    expect(told).to.deep.equal(requestIds);
  });

  describe('while nothing can leave', () => {
    it('keeps of each lease the newest extension only', () => {
      const outbox = new Outbox();
      outbox.pushCoalescing(extended(5, [1, 2, 3]));
      outbox.pushCoalescing(released(6));
      outbox.pushCoalescing(extended(7, [2]));
      outbox.pushCoalescing(extended(8, [3, 1]));
      expect(outbox.frames).to.equal(3);
      expect(extensions(outbox)).to.deep.equal(['7: 2', '8: 3 1']);
    });

    it('does not grow by extending the same leases over and over', () => {
      const outbox = new Outbox();
      for (let anchor = 1; anchor <= 1_000; anchor += 1) outbox.pushCoalescing(extended(anchor, [1, 2, 3]));
      expect(outbox.frames).to.equal(1);
      expect(extensions(outbox)).to.deep.equal(['1000: 1 2 3']);
    });

    it('keeps answers and intervals, even if they extend nothing any more', () => {
      const outbox = new Outbox();
      outbox.pushCoalescing(extended(5, [1], { id: 5 }));
      outbox.pushCoalescing(extended(6, [1], { heartbeatIntervalMs: 300 }));
      outbox.pushCoalescing(extended(7, [1]));
      const frames = drain(outbox).flat();
      expect(frames.map(({ id, kind }) => [id, kind?.value])).to.deep.equal([
        [5n, { anchor: 0n, groups: [], heartbeatIntervalMs: 0 }],
        [0n, { anchor: 0n, groups: [], heartbeatIntervalMs: 300 }],
        [0n, { anchor: 7n, groups: [{ durationMs: 9_000, requestIds: [1n] }], heartbeatIntervalMs: 0 }],
      ]);
    });

    it('tells, whatever was pushed and taken, each lease’s newest extension last', () => {
      const step = fc.oneof(
        fc.record({ do: fc.constant('extend'), leases: fc.uniqueArray(fc.nat(9), { minLength: 1 }) }),
        fc.record({ do: fc.constantFrom('answer', 'take') }),
      );
      fc.assert(
        fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
          const outbox = new Outbox();
          const newest = new Map<number, number>();
          const told = new Map<number, number>();
          const tell = (frames: WireFrames): void => {
            for (const { kind } of frames) {
              if (kind?.$case !== 'extended') continue;
              for (const { requestIds } of kind.value.groups) {
                for (const each of requestIds) told.set(Number(each), Number(kind.value.anchor));
              }
            }
          };
          steps.forEach((step, at) => {
            const anchor = at + 1;
            if ('leases' in step) {
              outbox.pushCoalescing(extended(anchor, step.leases));
              for (const lease of step.leases) newest.set(lease, anchor);
            } else if (step.do === 'answer') outbox.pushCoalescing(released(anchor));
            else tell(SessionResponse.decode(outbox.takeMessage() ?? Buffer.alloc(0)).frames);
          });
          for (const frames of drain(outbox)) tell(frames);
          expect(told).to.deep.equal(newest);
        }),
      );
    });
  });
});
