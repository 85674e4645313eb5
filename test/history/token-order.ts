import type { BeliefsMayMeet, Court, Grant, Operation } from './terms.js';

interface Granted {
  /** The greatest token told. */
  last: bigint;
  readonly byToken: Map<bigint, string>;
}

/**
 * I1: no token is granted twice, and an acquire that was called after a grant had been told gets a greater one.
 *
 * Tokens are their own order: to compare each with the greatest told before its acquire was called is enough, and no
 * order of operations has to be searched for. An acquire of unknown outcome may have used a token up, so gaps say nothing.
 */
export class TokenOrder {
  readonly #resources = new Map<string, Granted>();
  readonly #before = new Map<Operation, bigint>();

  constructor(
    private readonly court: Court,
    private readonly beliefsMayMeet: BeliefsMayMeet,
  ) {}

  invoked(operation: Operation): void {
    this.#before.set(operation, this.#resources.get(operation.resource)?.last ?? 0n);
  }

  settled(operation: Operation): void {
    this.#before.delete(operation);
  }

  /** To be called before the operation is settled. */
  granted(operation: Operation, grant: Grant): void {
    const { client, resource, invokedAtMs } = operation;
    const { token } = grant;
    const granted = this.#resources.get(resource) ?? { last: 0n, byToken: new Map<bigint, string>() };
    this.#resources.set(resource, granted);
    if (granted.byToken.has(token)) {
      const to = `${granted.byToken.get(token)} and ${client.name}`;
      this.court.accuse('S2/I1', `token ${token} of ${resource} was granted twice, to ${to}`, invokedAtMs, resource);
    }
    granted.byToken.set(token, client.name);
    // What is told while it is valid was granted after all that was told before, if no two leases stand at a time. What
    // comes too late is in order with what had been told when it was asked for.
    const isNewest = grant.remainingMs() > 0 && !this.beliefsMayMeet(resource, 0);
    const before = isNewest ? granted.last : (this.#before.get(operation) ?? 0n);
    if (token <= before) {
      this.court.accuse('S2/I1', `token ${token} of ${resource} came after ${before}`, invokedAtMs, resource);
    }
    if (token > granted.last) granted.last = token;
  }

  /** To whom a token was told. */
  holderOf(resource: string, token: bigint): string | undefined {
    return this.#resources.get(resource)?.byToken.get(token);
  }
}
