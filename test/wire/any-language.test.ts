import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Client, ClientDuplexStream } from '@grpc/grpc-js';
import { expect } from 'chai';
import { anyClient } from './support/any-client.js';
import { ScriptedCore } from './support/scripted-core.js';
import { type Served, serve } from './support/served.js';

interface Message {
  readonly frames: readonly Record<string, unknown>[];
}

type SessionClient = Client & { session(): ClientDuplexStream<Message, Message> };

describe('A client made of nothing but the proto files', () => {
  let served: Served;
  let client: SessionClient;

  beforeEach(async () => {
    served = await serve(new ScriptedCore());
    const made: unknown = anyClient('proto/holdfast/v1/lease_service.proto', 'holdfast.v1.LeaseService', served.target);
    client = made as SessionClient;
  });

  afterEach(async () => {
    client.close();
    await served.stop();
  });

  it('opens a session, acquires, releases and closes', async () => {
    const call = client.session();
    const frames: Record<string, unknown>[] = [];
    call.on('data', (message: Message) => frames.push(...message.frames));
    const ended = once(call, 'end');
    const open = { protocol_version: 1, session_id: 's', session_secret: randomBytes(16), client_name: 'c' };
    const acquire = { resources: [{ name: 'orders/42' }], ttl_ms: 10_000, secret: randomBytes(16) };
    call.write({ frames: [{ id: 1, open }] });
    call.write({
      frames: [
        { id: 2, acquire },
        { id: 3, release: { request_id: 2 } },
      ],
    });
    call.write({ frames: [{ id: 4, close: {} }] });
    await ended;
    expect(frames.map(({ id, kind }) => `${id} ${kind}`)).to.deep.equal([
      '1 opened',
      '2 granted',
      '3 released',
      '4 closed',
    ]);
    expect(frames[1]?.['granted']).to.deep.include({ ttl_ms: 10_000, tokens: ['1790000000000000'] });
  });
});
