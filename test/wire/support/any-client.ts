import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { credentials, type GrpcObject, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../../..');

/**
 * A client made at run time from proto files and nothing else, as somebody would in a language we do not know.
 * `service` is a full name; `file` is relative to the repository.
 */
export function anyClient(file: string, service: string, target: string): InstanceType<ServiceClientConstructor> {
  const definition = loadSync(join(ROOT, file), {
    includeDirs: [
      join(ROOT, 'proto'),
      join(ROOT, 'third_party'),
      join(ROOT, 'node_modules/@grpc/reflection/build/proto'),
    ],
    keepCase: true,
    longs: String,
    enums: String,
    oneofs: true,
  });
  let found: GrpcObject[string] = loadPackageDefinition(definition);
  for (const part of service.split('.')) found = (found as GrpcObject)[part] as GrpcObject[string];
  return new (found as ServiceClientConstructor)(target, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
}
