import {
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type MethodDefinition,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ETCD_PROTOS } from '../project-files.js';

interface LeaseId {
  readonly ID: number;
}

interface KeepAliveAnswer extends LeaseId {
  readonly TTL: number;
}

interface EtcdMethods {
  readonly lock: MethodDefinition<{ readonly name: Buffer; readonly lease: number }, { readonly key: Buffer }>;
  readonly unlock: MethodDefinition<{ readonly key: Buffer }, object>;
  readonly grant: MethodDefinition<LeaseId & { readonly TTL: number }, object>;
  readonly revoke: MethodDefinition<LeaseId, object>;
  readonly keepAlive: MethodDefinition<LeaseId, KeepAliveAnswer>;
}

const METHODS = loadMethods();

/** Lease ids are chosen here and stay below 2^53, so that numbers carry them. */
function loadMethods(): EtcdMethods {
  const definitions = loadSync(ETCD_PROTOS, { keepCase: true, longs: Number, defaults: true });
  const method = (service: string, name: string): unknown => {
    const definition = definitions[service];
    const found = definition !== undefined && name in definition && Reflect.get(definition, name);
    if (!found) throw new Error(`${service} has no method ${name}`);
    return found;
  };
  return {
    lock: method('v3lockpb.Lock', 'Lock'),
    unlock: method('v3lockpb.Lock', 'Unlock'),
    grant: method('etcdserverpb.Lease', 'LeaseGrant'),
    revoke: method('etcdserverpb.Lease', 'LeaseRevoke'),
    keepAlive: method('etcdserverpb.Lease', 'LeaseKeepAlive'),
  } as EtcdMethods;
}

const CHANNEL_OPTIONS: ChannelOptions = {
  // A connection a client, as our own client has it.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_channelz': 0,
  'grpc.service_config_disable_resolution': 1,
  // Looks as often for a server that comes up as our client is told to.
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.min_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 50,
};

/** The calls of etcd's that the benchmark makes, over a connection of its own. */
export class EtcdCalls {
  readonly #client: Client;

  constructor(target: string) {
    this.#client = new Client(target, credentials.createInsecure(), CHANNEL_OPTIONS);
  }

  /** The key that stands for the lock while it is held. */
  async lock(name: string, lease: number): Promise<Buffer> {
    const { key } = await this.#unary(METHODS.lock, { name: Buffer.from(name), lease });
    return key;
  }

  async unlock(key: Buffer): Promise<void> {
    await this.#unary(METHODS.unlock, { key });
  }

  /** Makes a lease; waits for the server to come up. */
  async grantLease(id: number, ttlSeconds: number): Promise<void> {
    const patient = new Metadata({ waitForReady: true });
    await this.#unary(METHODS.grant, { ID: id, TTL: ttlSeconds }, patient);
  }

  async revokeLease(id: number): Promise<void> {
    await this.#unary(METHODS.revoke, { ID: id });
  }

  keepAlive(): ClientDuplexStream<LeaseId, KeepAliveAnswer> {
    const { path, requestSerialize, responseDeserialize } = METHODS.keepAlive;
    return this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  }

  close(): void {
    this.#client.close();
  }

  #unary<Request, Response>(
    { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
    request: Request,
    metadata = new Metadata(),
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        (error, response) =>
          response === undefined ? reject(error ?? new Error(`${path} answered nothing`)) : resolve(response),
      );
    });
  }
}
