import type { Contention } from './contention.js';
import type { CoreContext } from './core-context.js';
import type { ResourceKey } from './names.js';
import type { StoreListener } from './store-port.js';

/** What servers on the same store let each other know. Hints: nothing here is needed for a promise, only for its pace. */
export class OtherServers implements StoreListener {
  constructor(
    private readonly ctx: CoreContext,
    private readonly contention: Contention,
  ) {}

  released(key: ResourceKey): void {
    const resource = this.ctx.resources.get(key);
    if (resource !== undefined) this.contention.freed(resource);
  }

  wanted(key: ResourceKey): void {
    const holder = this.ctx.resources.get(key)?.holder;
    if (holder?.state !== 'held') return;
    const { hash, session } = holder;
    this.ctx.store.introduce({ resource: key, hash, token: holder.heldLease().token, clientName: session.clientName });
  }
}
