import type { handleBidiStreamingCall, ServerDuplexStream, UntypedServiceImplementation } from '@grpc/grpc-js';

/** Nothing is known of the messages, and nothing needs to be. */
type Call = ServerDuplexStream<unknown, unknown>;

/** Makes the methods of a service, all of them streams both ways, stop listening while their answers are not read. */
export function withBackPressure(implementation: UntypedServiceImplementation): UntypedServiceImplementation {
  const bounded: UntypedServiceImplementation = {};
  for (const [name, handler] of Object.entries(implementation)) {
    const answer = handler as handleBidiStreamingCall<unknown, unknown>;
    bounded[name] = (call: Call) => {
      answer(call);
      // After the handler's own listener, so that its answer counts.
      call.on('data', () => {
        if (!call.writableNeedDrain) return;
        call.pause();
        call.once('drain', () => call.resume());
      });
    };
  }
  return bounded;
}
