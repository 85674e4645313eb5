import type { handleServerStreamingCall, Server } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';

/** Services whose health can be asked for by name; '' is the server as a whole. */
const SERVICES: readonly string[] = ['', 'holdfast.v1.LeaseService'];

type Watch = handleServerStreamingCall<{ readonly service: string }, { readonly status: string }>;

/** Serves `grpc.health.v1.Health`: SERVING while the store is available and the server is not draining. */
export class Health {
  readonly #implementation = new HealthImplementation();
  #storeAvailable = true;
  #draining = false;

  addToServer(server: Pick<Server, 'addService'>): void {
    this.#publish();
    this.#implementation.addToServer({
      addService: (definition, implementation) => {
        const watch = implementation['watch'] as Watch;
        server.addService(definition, { ...implementation, watch: onlyKnownServices(watch) });
      },
    });
  }

  setStoreAvailable(available: boolean): void {
    this.#storeAvailable = available;
    this.#publish();
  }

  setDraining(): void {
    this.#draining = true;
    this.#publish();
  }

  #publish(): void {
    const status = this.#storeAvailable && !this.#draining ? 'SERVING' : 'NOT_SERVING';
    for (const service of SERVICES) this.#implementation.setStatus(service, status);
  }
}

/** The library remembers every service name it was ever asked to watch; a name it cannot know needs no memory. */
function onlyKnownServices(watch: Watch): Watch {
  return (call) => {
    if (SERVICES.includes(call.request.service)) watch(call);
    else call.write({ status: 'SERVICE_UNKNOWN' });
  };
}
