import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Client, ClientDuplexStream, GrpcObject, ServiceClientConstructor } from '@grpc/grpc-js';
import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { expect } from 'chai';
import { anyClient } from './support/any-client.js';
import { ScriptedCore } from './support/scripted-core.js';
import { type Served, serve } from './support/served.js';

interface Answer {
  readonly list_services_response?: { readonly service: readonly { readonly name: string }[] };
  readonly file_descriptor_response?: { readonly file_descriptor_proto: readonly Buffer[] };
  readonly error_response?: { readonly error_code: number };
}

type Call = ClientDuplexStream<Record<string, string>, Answer>;
type ReflectionClient = Client & { serverReflectionInfo(): Call };

const SERVICES = [
  'grpc.health.v1.Health',
  'grpc.reflection.v1.ServerReflection',
  'holdfast.v1.AdminService',
  'holdfast.v1.LeaseService',
];

for (const version of ['v1', 'v1alpha']) {
  describe(`Reflection ${version}`, () => {
    let served: Served;
    let client: ReflectionClient;
    let call: Call;

    beforeEach(async () => {
      served = await serve(new ScriptedCore());
      await served.rpc.reflectionSettled;
      const file = `node_modules/@grpc/reflection/build/proto/grpc/reflection/${version}/reflection.proto`;
      const made: unknown = anyClient(file, `grpc.reflection.${version}.ServerReflection`, served.target);
      client = made as ReflectionClient;
      call = client.serverReflectionInfo();
      call.on('error', () => undefined);
    });

    afterEach(async () => {
      call.cancel();
      client.close();
      await served.stop();
      expect(served.defects).to.deep.equal([]);
    });

    async function ask(question: Record<string, string>): Promise<Answer> {
      call.write(question);
      const [answer] = (await once(call, 'data')) as [Answer];
      return answer;
    }

    it('lists the services', async () => {
      const { list_services_response } = await ask({ list_services: '*' });
      expect(list_services_response?.service.map(({ name }) => name).sort()).to.deep.equal(SERVICES);
    });

    it('describes every service completely, each file under its own name', async () => {
      for (const service of SERVICES) {
        const { file_descriptor_response } = await ask({ file_containing_symbol: service });
        const described = loadDescribed(file_descriptor_response?.file_descriptor_proto ?? []);
        expect(Object.keys(described), service).to.include(service);
      }
      const byName = await ask({ file_by_filename: 'holdfast/v1/lease_service.proto' });
      expect(byName.file_descriptor_response?.file_descriptor_proto).not.to.equal(undefined);
    });

    it('says that it does not know what there is not', async () => {
      expect((await ask({ file_containing_symbol: 'nobody.Knows' })).error_response?.error_code).to.equal(5);
    });

    it('describes enough to call the lease service', async () => {
      const { file_descriptor_response } = await ask({ file_containing_symbol: 'holdfast.v1.LeaseService' });
      const loaded = loadPackageDefinition(loadDescribed(file_descriptor_response?.file_descriptor_proto ?? []));
      const holdfast = (loaded['holdfast'] as GrpcObject)['v1'] as GrpcObject;
      const Lease = holdfast['LeaseService'] as ServiceClientConstructor;
      const lease = new Lease(served.target, credentials.createInsecure());
      const session: ClientDuplexStream<object, object> = (lease as unknown as { session(): never }).session();
      session.on('error', () => undefined);
      session.write({ frames: [{ id: 1, open: { protocol_version: 1, session_secret: randomBytes(16) } }] });
      const [answer] = await once(session, 'data');
      expect(answer).to.have.nested.property('frames[0].kind', 'opened');
      session.cancel();
      lease.close();
    });
  });
}

/** A package from encoded file descriptors, the way a generic tool makes one. */
function loadDescribed(files: readonly Buffer[]): ReturnType<typeof loadFileDescriptorSetFromBuffer> {
  const set = files.flatMap((file) => [Buffer.from([10, ...varint(file.length)]), file]);
  return loadFileDescriptorSetFromBuffer(Buffer.concat(set), { keepCase: true, longs: String, oneofs: true });
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}
