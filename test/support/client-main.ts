/** A client in a process of its own, told what to do over the IPC channel by `client-process.ts`. */
import { type Client, connect, type Lease } from '@holdfast/client';
import type { ClientEvent, ClientOrder, Shift } from './client-process.js';

const leases = new Map<string, Lease>();
let client: Client | undefined;
let work: { resting: boolean; readonly done: Promise<unknown> } | undefined;

function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

function say(event: ClientEvent): void {
  process.send?.(event);
}

function lease(name: string): Lease {
  const found = leases.get(name);
  if (found === undefined) throw new Error(`no lease on ${name}`);
  return found;
}

/** Whether `assertHeld` lets a write pass, right now. */
function mayWrite(held: Lease): boolean {
  try {
    held.assertHeld();
    return true;
  } catch {
    return false;
  }
}

async function acquire(name: string, ttlMs: number, waitMs: number): Promise<void> {
  if (client === undefined) throw new Error('not connected');
  const held = await client.acquire(name, { ttlMs, waitMs });
  leases.set(name, held);
  held.signal.addEventListener('abort', () => say({ kind: 'lost', name, atUs: nowUs() }));
  const { id, token } = held;
  say({ kind: 'granted', name, leaseId: id, token: String(token), remainingMs: held.remainingMs(), atUs: nowUs() });
}

const WORK_WAIT_MS = 60_000;

/** One lease after another. Who holds one looks at the clock before the work is taken for done. */
async function lane(
  { names, ttlMs, holdMs }: Extract<ClientOrder, { kind: 'work' }>,
  number: number,
  isOver: () => boolean,
): Promise<readonly Shift[]> {
  const shifts: Shift[] = [];
  for (let round = number; !isOver(); round += 1) {
    const name = names[round % names.length] ?? '';
    const calledUs = nowUs();
    const held = await client?.acquire(name, { ttlMs, waitMs: WORK_WAIT_MS });
    if (held === undefined) throw new Error('not connected');
    const fromUs = nowUs();
    await new Promise((resolve) => setTimeout(resolve, holdMs));
    held.assertHeld();
    shifts.push({ name, token: String(held.token), calledUs, fromUs, toUs: nowUs() });
    await held.release();
  }
  return shifts;
}

function beginWork(order: Extract<ClientOrder, { kind: 'work' }>): NonNullable<typeof work> {
  const begun = { resting: false, done: Promise.resolve() };
  const lanes = Array.from({ length: order.lanes }, (_, number) => lane(order, number, () => begun.resting));
  begun.done = Promise.allSettled(lanes).then((outcomes) => {
    const shifts = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
    const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [String(outcome.reason)] : []));
    say({ kind: 'worked', shifts, failures });
  });
  return begun;
}

async function obey(order: ClientOrder): Promise<void> {
  switch (order.kind) {
    case 'connect':
      await client?.close();
      leases.clear();
      client = await connect(order.targets, { name: order.name, ...order.options });
      client.on('state', (state) => say({ kind: 'state', state, atUs: nowUs() }));
      say({ kind: 'connected' });
      return;
    case 'acquire':
      await acquire(order.name, order.ttlMs, order.waitMs);
      return;
    case 'look': {
      const held = lease(order.name);
      const remainingMs = held.remainingMs();
      say({ kind: 'view', name: order.name, mayWrite: mayWrite(held), state: held.state, remainingMs, atUs: nowUs() });
      return;
    }
    case 'stall': {
      const held = lease(order.name);
      const { signal } = held;
      const endUs = nowUs() + order.ms * 1_000;
      while (nowUs() < endUs);
      // Nothing has run since: no timer, no message. Only the clock can tell.
      const { aborted } = signal;
      const may = mayWrite(held);
      say({ kind: 'stalled', name: order.name, signalAborted: aborted, mayWrite: may, atUs: nowUs() });
      return;
    }
    case 'work':
      work = beginWork(order);
      return;
    case 'rest':
      if (work !== undefined) work.resting = true;
      await work?.done;
      return;
    case 'release': {
      const { outcome } = await lease(order.name).release();
      say({ kind: 'released', name: order.name, outcome, atUs: nowUs() });
      return;
    }
    case 'close':
      await client?.close();
      process.disconnect();
      return;
  }
}

process.on('message', (order: ClientOrder) => {
  obey(order).catch((error: unknown) => {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    say({ kind: 'failed', order: order.kind, error: name, message });
  });
});
say({ kind: 'ready' });
