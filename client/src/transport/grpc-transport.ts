import type { Stream, StreamHandler, Transport } from '../session/ports.js';
import { GrpcStream } from './grpc-stream.js';

/** Streams over gRPC, to targets as grpc-js understands them. */
export class GrpcTransport implements Transport {
  constructor(private readonly targets: readonly string[]) {}

  get targetCount(): number {
    return this.targets.length;
  }

  targetName(index: number): string {
    return this.targets[index] ?? '';
  }

  open(targetIndex: number, handler: StreamHandler): Stream {
    return new GrpcStream(this.targetName(targetIndex), handler);
  }
}
