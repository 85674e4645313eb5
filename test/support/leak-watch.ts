import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { Server } from 'node:net';

/** Sees every child process and listening socket of this process that comes after `start`. */
export class LeakWatch {
  readonly #children = new Set<ChildProcess>();
  readonly #servers = new Set<Server>();

  readonly #onChild = (message: unknown): void => {
    this.#children.add((message as { readonly process: ChildProcess }).process);
  };

  readonly #onListen = (message: unknown): void => {
    this.#servers.add((message as { readonly server: Server }).server);
  };

  start(): void {
    subscribe('child_process', this.#onChild);
    subscribe('tracing:net.server.listen:asyncStart', this.#onListen);
  }

  stop(): void {
    unsubscribe('child_process', this.#onChild);
    unsubscribe('tracing:net.server.listen:asyncStart', this.#onListen);
  }

  /** Takes stock: what is alive now is not a leak of the test that begins. */
  baseline(): ReadonlySet<object> {
    return new Set<object>([...this.#living(), ...this.#listening()]);
  }

  /** What is alive and was not in the baseline, in words: it gets `graceMs` to go by itself, and is then ended. */
  async leaks(before: ReadonlySet<object>, graceMs: number): Promise<readonly string[]> {
    const signal = AbortSignal.timeout(graceMs);
    const children = this.#living().filter((child) => !before.has(child));
    const servers = this.#listening().filter((server) => !before.has(server));
    await Promise.allSettled([
      ...children.map((child) => once(child, 'exit', { signal })),
      ...servers.map((server) => once(server, 'close', { signal })),
    ]);
    const leftChildren = children.filter(isAlive);
    const leftServers = servers.filter((server) => server.listening);
    const leaks = [
      ...leftChildren.map((child) => `process ${child.pid}: ${child.spawnargs.join(' ')}`),
      ...leftServers.map((server) => `server on ${addressOf(server)}`),
    ];
    for (const child of leftChildren) child.kill('SIGKILL');
    for (const server of leftServers) server.close();
    return leaks;
  }

  #living(): ChildProcess[] {
    for (const child of this.#children) if (!isAlive(child)) this.#children.delete(child);
    return [...this.#children];
  }

  #listening(): Server[] {
    for (const server of this.#servers) if (!server.listening) this.#servers.delete(server);
    return [...this.#servers];
  }
}

function isAlive(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

function addressOf(server: Server): string {
  const address = server.address();
  return typeof address === 'object' && address !== null ? `${address.address}:${address.port}` : String(address);
}
