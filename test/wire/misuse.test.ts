import { gzipSync } from 'node:zlib';
import { Acquire, Open, SessionRequest } from '@holdfast/protocol';
import { expect } from 'chai';
import { Bystander } from './support/bystander.js';
import { ScriptedCore } from './support/scripted-core.js';
import { type Served, serve } from './support/served.js';
import { acquire, type CallEnd, detailsOf, type FrameKind, open, type WireStream } from './support/wire-client.js';

/** grpc-js then compresses what this client sends: 2 is gzip. */
const COMPRESSED = { 'grpc.default_compression_algorithm': 2 };

function lengthDelimited(field: number, bytes: Uint8Array): Buffer {
  if (bytes.length > 127) throw new Error('too long for one byte of length');
  return Buffer.concat([Buffer.from([(field << 3) | 2, bytes.length]), bytes]);
}

/** An Acquire, as id 2, for a name that is any bytes. */
function acquireBytes(name: Uint8Array): Buffer {
  const rest = acquire('');
  if (rest.$case !== 'acquire') throw new Error('not an Acquire');
  const fields = Buffer.from(Acquire.encode({ ...rest.value, resources: [] }).finish());
  const request = Buffer.concat([lengthDelimited(1, lengthDelimited(1, name)), fields]);
  return lengthDelimited(1, Buffer.concat([Buffer.from([8, 2]), lengthDelimited(6, request)]));
}

function onlyInfo(end: Pick<CallEnd, 'infos'>): { readonly reason: string } & Record<string, string> {
  expect(end.infos).to.have.length(1);
  const [info] = end.infos;
  if (info === undefined) throw new Error('no ErrorInfo');
  expect(info.domain).to.equal('holdfast');
  return { ...info.metadata, reason: info.reason };
}

describe('A client that misuses the protocol', () => {
  let core: ScriptedCore;
  let served: Served;
  let bystander: Bystander;

  beforeEach(async () => {
    core = new ScriptedCore();
    served = await serve(core);
    bystander = await Bystander.arrive(served);
  });

  afterEach(async () => {
    await bystander.isServed();
    await (await Bystander.arrive(served)).isServed();
    await served.stop();
    expect(served.defects).to.deep.equal([]);
  });

  async function endOf(stream: WireStream): Promise<ReturnType<typeof onlyInfo> & { readonly code: string }> {
    const end = await stream.ended();
    return { ...onlyInfo(end), code: end.code };
  }

  async function failureOf(kind: FrameKind | undefined): Promise<ReturnType<typeof onlyInfo>> {
    const stream = await served.client().openSession();
    stream.write({ id: 2, kind });
    const failed = (await stream.answer(2)).kind;
    if (failed?.$case !== 'failed' || failed.value.status === undefined) throw new Error(`answered ${failed?.$case}`);
    stream.write({ id: 3, kind: acquire('after') });
    expect((await stream.answer(3)).kind?.$case, 'the stream stays').to.equal('granted');
    return onlyInfo(detailsOf(failed.value.status));
  }

  describe('has its stream ended with INVALID_ARGUMENT [H6]', () => {
    const ends = { code: 'INVALID_ARGUMENT' };

    it('for bytes that are no protobuf', async () => {
      const stream = await served.client().openSession();
      stream.writeRaw(Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3]));
      expect(await endOf(stream)).to.include({ ...ends, reason: 'MESSAGE_UNDECODABLE' });
    });

    it('for groups nested without end', async () => {
      const stream = await served.client().openSession();
      stream.writeRaw(Buffer.alloc(60_000, 0x7b));
      expect(await endOf(stream)).to.include({ ...ends, reason: 'MESSAGE_UNDECODABLE' });
    });

    it('for names that are not UTF-8, so that two of them never become one', async () => {
      for (const name of [
        [0xff, 0x31],
        [0xfe, 0x31],
      ]) {
        const stream = await served.client().openSession();
        stream.writeRaw(acquireBytes(Buffer.from(name)));
        expect(await endOf(stream)).to.include({ ...ends, reason: 'MESSAGE_UNDECODABLE' });
      }
      const kinds = core.streams.flatMap(({ received }) => received.map(({ kind }) => kind));
      expect(kinds).not.to.include('acquire');
    });

    it('while the same request with a valid name is served', async () => {
      const stream = await served.client().openSession();
      stream.writeRaw(acquireBytes(Buffer.from('smørrebrød')));
      expect((await stream.answer(2)).kind?.$case).to.equal('granted');
    });

    it('for a first frame that is not Open', async () => {
      const stream = served.client().session();
      stream.write({ id: 1, kind: acquire('early') });
      expect(await endOf(stream)).to.include({ ...ends, reason: 'OPEN_EXPECTED' });
    });

    it('for an Open whose secret is not 16 bytes, which is not shown', async () => {
      const stream = served.client().session();
      stream.write({ id: 1, kind: open({ sessionSecret: Buffer.from('hush') }) });
      const expected = { ...ends, reason: 'FIELD_INVALID', field: 'open.session_secret', value: '4 bytes' };
      const end = await endOf(stream);
      expect(end).to.include({ ...expected, limit: 'exactly 16 bytes' });
      expect(JSON.stringify([end, await stream.ended()])).not.to.contain('hush');
    });

    it('for too many frames in one message', async () => {
      const stream = await served.client().openSession();
      const frames = Array.from({ length: 65 }, (_, at) => ({ id: at + 2, kind: acquire('many') }));
      stream.write(...frames);
      expect(await endOf(stream)).to.include({ ...ends, reason: 'TOO_MANY_FRAMES', limit: 'at most 64' });
    });

    it('for an id beyond 2^53 - 1', async () => {
      const stream = await served.client().openSession();
      stream.writeRaw(SessionRequest.encode({ frames: [{ id: 2n ** 64n - 1n, kind: acquire('x') }] }).finish());
      expect(await endOf(stream)).to.include({ ...ends, reason: 'FRAME_ID_NOT_RISING', field: 'frame.id' });
    });
  });

  describe('is answered with Failed, and its stream stays [H6b]', () => {
    it('for a secret that is not 16 bytes, which is not shown', async () => {
      const failure = await failureOf(acquire('x', { secret: Buffer.from('hush') }));
      expect(failure).to.include({ reason: 'FIELD_INVALID', field: 'acquire.secret', value: '4 bytes' });
      expect(JSON.stringify(failure)).not.to.contain('hush');
    });

    it('for a request id beyond 2^53 - 1', async () => {
      const failure = await failureOf({ $case: 'release', value: { requestId: 2n ** 53n } });
      expect(failure).to.include({ reason: 'FIELD_INVALID', field: 'release.request_id', value: '9007199254740992' });
    });

    it('for a frame of an unknown kind', async () => {
      expect(await failureOf(undefined)).to.include({ reason: 'UNKNOWN_FRAME', field: 'frame.kind' });
    });
  });

  it('is not held against it when a field is unknown [H6b]', async () => {
    const stream = served.client().session();
    const first = open();
    if (first.$case !== 'open') throw new Error('not an Open');
    const unknown = Buffer.from([0xfa, 0x01, 3, 1, 2, 3]);
    const value = Buffer.concat([Open.encode(first.value).finish(), unknown]);
    stream.writeRaw(lengthDelimited(1, Buffer.concat([Buffer.from([8, 1]), lengthDelimited(2, value), unknown])));
    expect((await stream.answer(1)).kind?.$case).to.equal('opened');
  });

  describe('has its stream ended with RESOURCE_EXHAUSTED [H5]', () => {
    it('for a message over the limit', async () => {
      const stream = await served.client().openSession();
      stream.writeRaw(Buffer.alloc(65_537));
      const end = await stream.ended();
      expect(end.code).to.equal('RESOURCE_EXHAUSTED');
      expect(end.message).to.contain('65537').and.to.contain('65536');
    });

    it('for a small message that unpacks to more than the limit', async () => {
      const bomb = Buffer.alloc(32 * 1_024 * 1_024);
      expect(gzipSync(bomb).length, 'small enough to get in').to.be.lessThan(65_536);
      const stream = await served.client(COMPRESSED).openSession();
      stream.writeRaw(bomb);
      const end = await stream.ended();
      expect(end.code).to.equal('RESOURCE_EXHAUSTED');
      expect(end.message).to.contain('decompress').and.to.contain('65536');
      expect(core.latest.messages, 'nothing of it reached the core').to.have.length(1);
    });

    it('but not for a compressed message within it', async () => {
      const stream = await served.client(COMPRESSED).openSession();
      stream.write({ id: 2, kind: acquire('compressed') });
      expect((await stream.answer(2)).kind?.$case).to.equal('granted');
    });
  });
});
