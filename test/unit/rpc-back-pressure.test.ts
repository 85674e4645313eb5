import { Duplex } from 'node:stream';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { expect } from 'chai';
import { withBackPressure } from '../../server/src/rpc/back-pressure.js';

const QUESTIONS = 1_000;

describe('A service with back-pressure', () => {
  it('stops taking questions while its answers are not read, and then answers them all', async () => {
    const unread: (() => void)[] = [];
    let answered = 0;
    const call = new Duplex({
      objectMode: true,
      read: () => undefined,
      write: (_chunk, _encoding, written) => void unread.push(written),
    });
    const service = withBackPressure({
      ask: (stream: ServerDuplexStream<number, number>) => {
        stream.on('data', (question: number) => {
          answered += 1;
          stream.write(question);
        });
      },
    });
    (service['ask'] as unknown as (call: Duplex) => void)(call);
    for (let question = 1; question <= QUESTIONS; question += 1) call.push(question);
    call.push(null);
    await new Promise((resolve) => setImmediate(resolve));
    expect(answered).to.be.within(1, call.writableHighWaterMark);

    let ended = false;
    call.once('end', () => {
      ended = true;
    });
    for (let turn = 0; !ended && turn < 10 * QUESTIONS; turn += 1) {
      unread.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(answered).to.equal(QUESTIONS);
  });
});
