/** A worker of the demo: holds the resource when it is told to, through the client library like any other program. */
import { connect, type Lease } from '@holdfast/client';
import { eventually } from '../support/deadline.js';
import type { Write, WriteAnswer } from './resource-protocol.js';
import { sharedNowMs, type WorkerEvent, type WorkerOrder } from './worker-protocol.js';

const WAIT_MS = 30_000;
const WATCH_MS = 10_000;
const [name = '', server = '', resourceUrl = '', resourceName = ''] = process.argv.slice(2);

const say = (event: WorkerEvent): void => void process.send?.(event);

const client = await connect(server, { name });
client.on('state', (state) => say({ kind: 'state', state }));
let held: { readonly lease: Lease; readonly token: bigint } | undefined;

function holding(): { readonly lease: Lease; readonly token: bigint } {
  if (held === undefined) throw new Error('nothing was granted yet');
  return held;
}

async function write(token: bigint, text: string): Promise<WriteAnswer> {
  const body: Write = { by: name, token: String(token), text };
  const response = await fetch(resourceUrl, { method: 'POST', body: JSON.stringify(body) });
  return (await response.json()) as WriteAnswer;
}

function assertHeldThrows(lease: Lease): string | undefined {
  try {
    lease.assertHeld();
    return undefined;
  } catch (error) {
    return (error as Error).name;
  }
}

async function obey(order: WorkerOrder): Promise<WorkerEvent> {
  switch (order.kind) {
    case 'acquire': {
      const lease = await client.acquire(resourceName, { ttlMs: order.ttlMs, waitMs: WAIT_MS });
      held = { lease, token: lease.token };
      return { kind: 'granted', token: String(lease.token), leaseId: lease.id, atMs: sharedNowMs() };
    }
    case 'watch': {
      const { lease } = holding();
      let fromMs = lease.remainingMs();
      return eventually(WATCH_MS, 'an extension', () => {
        const toMs = lease.remainingMs();
        if (toMs > fromMs) return { kind: 'extended', fromMs, toMs };
        fromMs = toMs;
        return undefined;
      });
    }
    case 'look': {
      const { lease, token } = holding();
      return { kind: 'view', state: lease.state, token: String(token), leaseId: lease.id };
    }
    case 'write': {
      const { lease } = holding();
      lease.assertHeld();
      return { kind: 'wrote', ...(await write(lease.token, order.text)) };
    }
    case 'writeBlindly': {
      const { lease, token } = holding();
      const answer = await write(token, order.text);
      return { kind: 'wroteBlindly', assertHeld: assertHeldThrows(lease), ...answer };
    }
    case 'release':
      return { kind: 'released', outcome: (await holding().lease.release()).outcome };
  }
}

process.on('message', (order: WorkerOrder) => {
  obey(order).then(say, (error: Error) => say({ kind: 'failed', order: order.kind, message: error.message }));
});
process.on('disconnect', () => process.exit());
say({ kind: 'ready' });
