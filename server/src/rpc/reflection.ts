import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import type { Server } from '@grpc/grpc-js';
import type { MessageTypeDefinition, PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { withBackPressure } from './back-pressure.js';

/** What the server offers; the descriptor set holds more, because files come with all they import. */
const SERVICES = [
  'holdfast.v1.LeaseService',
  'holdfast.v1.AdminService',
  'grpc.health.v1.Health',
  'grpc.reflection.v1.ServerReflection',
];

/** The field of `FileDescriptorSet` that holds the files. */
const FILE_FIELD = 1;

/** Serves `grpc.reflection` (v1 and v1alpha) from the descriptor set that comes with the protocol package. */
export async function addReflection(server: Pick<Server, 'addService'>): Promise<void> {
  const path = createRequire(import.meta.url).resolve('@holdfast/protocol/descriptor');
  const reflection = new ReflectionService(packageOf(descriptorFiles(await readFile(path))), { services: SERVICES });
  // The library answers as fast as it is asked, whether the answers are read or not.
  reflection.addToServer({
    addService: (definition, implementation) => server.addService(definition, withBackPressure(implementation)),
  });
}

/** The encoded files of a `FileDescriptorSet`, as they are: names, imports and comments stay what they were. */
function descriptorFiles(set: Buffer): Buffer[] {
  const reader = new BinaryReader(set);
  const files: Buffer[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === FILE_FIELD && wireType === WireType.LengthDelimited) files.push(Buffer.from(reader.bytes()));
    else reader.skip(wireType, field);
  }
  return files;
}

/** The library takes a loaded package and looks at its descriptors only; parsing the files for it would be in vain. */
function packageOf(fileDescriptorProtos: Buffer[]): PackageDefinition {
  const definition: MessageTypeDefinition<object, object> = {
    format: 'Protocol Buffer 3 DescriptorProto',
    type: {},
    fileDescriptorProtos,
    serialize: () => Buffer.alloc(0),
    deserialize: () => ({}),
  };
  return { descriptors: definition };
}
