/** Many clients of the real library in one process, told what to do over the IPC channel by `crowd-process.ts`. */
import { type Client, connect, type Lease } from '@holdfast/client';
import type { CrowdEvent, CrowdOrder } from './crowd-protocol.js';

/** So many connect at a time. */
const AT_ONCE = 100;
const HOLD_WAIT_MS = 20_000;

const clients: Client[] = [];
const leases: Lease[] = [];
const refused: Record<string, number> = {};
let lost = 0;
let unanswered = 0;

function say(event: CrowdEvent): void {
  if (process.connected) process.send?.(event);
}

async function join({ targets, count, options }: Extract<CrowdOrder, { kind: 'join' }>): Promise<void> {
  for (let left = count; left > 0; left -= AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, left) }, () => connect(targets, options));
    clients.push(...(await Promise.all(some)));
  }
}

async function hold(ttlMs: number): Promise<void> {
  const held = clients.map((client, index) => client.acquire(`of-${index}`, { ttlMs, waitMs: HOLD_WAIT_MS }));
  leases.push(...(await Promise.all(held)));
  for (const { signal } of leases) {
    signal.addEventListener('abort', () => {
      lost += 1;
    });
  }
}

function flood({ name, times, ttlMs, waitMs }: Extract<CrowdOrder, { kind: 'flood' }>): void {
  for (const client of clients) {
    for (let time = 0; time < times; time += 1) {
      unanswered += 1;
      client
        .acquire(name, { ttlMs, waitMs })
        .then(
          (lease) => void leases.push(lease),
          (error: unknown) => {
            const kind = error instanceof Error ? error.name : String(error);
            refused[kind] = (refused[kind] ?? 0) + 1;
          },
        )
        .finally(() => {
          unanswered -= 1;
        });
    }
  }
}

async function obey(order: CrowdOrder): Promise<CrowdEvent> {
  switch (order.kind) {
    case 'join':
      await join(order);
      return { kind: 'joined' };
    case 'hold':
      await hold(order.ttlMs);
      return { kind: 'holding' };
    case 'flood':
      flood(order);
      return { kind: 'flooding' };
    case 'count': {
      const connected = clients.filter(({ state }) => state === 'connected').length;
      const held = leases.filter(({ state }) => state === 'held' || state === 'atRisk').length;
      return { kind: 'counted', connected, held, lost, unanswered, refused };
    }
  }
}

// Whoever gave the orders is gone.
process.on('disconnect', () => process.exit());
process.on('message', (order: CrowdOrder) => {
  obey(order).then(say, (error: unknown) => say({ kind: 'failed', why: String(error) }));
});
say({ kind: 'ready' });
