import { randomBytes } from 'node:crypto';
import type { Client, ClientDuplexStream } from '@grpc/grpc-js';
import { expect } from 'chai';
import { anyClient } from './support/any-client.js';
import { RealCore } from './support/real-core.js';
import { type Served, serve } from './support/served.js';
import { until } from './support/until.js';

type Frame = Record<string, unknown>;
type Call = ClientDuplexStream<{ readonly frames: readonly Frame[] }, { readonly frames: readonly Frame[] }>;
type SessionClient = Client & { session(): Call };

/** One session, as somebody would write it from the proto files alone. */
class PlainSession {
  readonly frames: Frame[] = [];
  readonly #client: SessionClient;
  readonly #call: Call;
  #id = 0;
  #over = false;

  constructor(target: string) {
    const made: unknown = anyClient('proto/holdfast/v1/lease_service.proto', 'holdfast.v1.LeaseService', target);
    this.#client = made as SessionClient;
    this.#call = this.#client.session();
    this.#call.on('error', () => undefined);
    this.#call.on('data', ({ frames }: { readonly frames: readonly Frame[] }) => this.frames.push(...frames));
    this.#call.on('end', () => {
      this.#over = true;
    });
  }

  /** Says something; the frame's id. */
  say(kind: string, value: object): number {
    this.#id += 1;
    this.#call.write({ frames: [{ id: this.#id, [kind]: value }] });
    return this.#id;
  }

  /** The kind of every answer to a frame, once there is one of this kind. */
  async answers(id: number, final: string): Promise<readonly unknown[]> {
    const to = (): Frame[] => this.frames.filter((frame) => Number(frame['id']) === id);
    await until(`${final} answers ${id}`, () => to().some(({ kind }) => kind === final));
    return to().map(({ kind }) => kind);
  }

  async over(): Promise<void> {
    await until('the stream is over', () => this.#over);
  }

  leave(): void {
    this.#call.cancel();
    this.#client.close();
  }
}

function open(): object {
  const sessionId = `01923456-789a-7abc-8def-${randomBytes(6).toString('hex')}`;
  return { protocol_version: 1, session_id: sessionId, session_secret: randomBytes(16), client_name: 'plain' };
}

function acquire(name: string, waitMs: number): object {
  return { resources: [{ name }], ttl_ms: 10_000, wait_ms: waitMs, secret: randomBytes(16) };
}

describe('Clients made of nothing but the proto files', () => {
  let core: RealCore;
  let served: Served;
  let first: PlainSession;
  let second: PlainSession;

  beforeEach(async () => {
    core = new RealCore();
    served = await serve(core);
    first = new PlainSession(served.target);
    second = new PlainSession(served.target);
  });

  afterEach(async () => {
    first.leave();
    second.leave();
    await served.stop();
    core.abandon();
    expect(served.defects).to.deep.equal([]);
  });

  it('pass a lease from one to the other', async () => {
    await Promise.all([first, second].map((session) => session.answers(session.say('open', open()), 'opened')));
    const held = first.say('acquire', acquire('orders/42', 0));
    expect(await first.answers(held, 'granted')).to.deep.equal(['granted']);

    const refused = second.say('acquire', acquire('orders/42', 0));
    expect(await second.answers(refused, 'denied')).to.deep.equal(['denied']);
    const waiting = second.say('acquire', acquire('orders/42', 5_000));
    await second.answers(waiting, 'queued');

    const released = first.say('release', { request_id: held });
    expect(await first.answers(released, 'released')).to.deep.equal(['released']);
    expect(await second.answers(waiting, 'granted')).to.deep.equal(['queued', 'granted']);
    const tokenOf = (session: PlainSession): bigint => {
      const granted = session.frames.find(({ kind }) => kind === 'granted')?.['granted'] as {
        readonly tokens: string[];
      };
      return BigInt(granted.tokens[0] ?? 0);
    };
    expect(tokenOf(second) > tokenOf(first)).to.equal(true);

    const closed = second.say('close', {});
    await second.answers(closed, 'closed');
    await second.over();
  });
});
