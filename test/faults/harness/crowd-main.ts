/** Many clients of the real library in one process, told what to do over the IPC channel by `crowd-process.ts`. */
import { type Client, connect, type Lease } from '@holdfast/client';
import { nowUs } from '../../history/events.js';
import type { CrowdEvent, CrowdOrder, Line, LineMove } from './crowd-protocol.js';

/** So many connect at a time. */
const AT_ONCE = 100;
const HOLD_WAIT_MS = 20_000;

const clients: Client[] = [];
const leases: Lease[] = [];
const refused: Record<string, number> = {};
let lost = 0;
let unanswered = 0;
let gathered = 0;
let unrisen = 0;
let hasEnough = false;
const inLine = new Map<number, AbortController>();
const turns: Promise<void>[] = [];
const moves: LineMove[] = [];

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
  for (const lease of await Promise.all(held)) keep(lease);
}

function keep(lease: Lease): void {
  leases.push(lease);
  lease.signal.addEventListener('abort', () => {
    lost += 1;
  });
}

async function gather(client: Client, number: number, ttlMs: number): Promise<void> {
  for (let [index, last] = [0, 0n]; !hasEnough; index += 1) {
    const lease = await client.acquire(`of-${number}-${index}`, { ttlMs, waitMs: HOLD_WAIT_MS });
    keep(lease);
    gathered += 1;
    if (lease.token <= last) unrisen += 1;
    last = lease.token;
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

function lineUp(line: Line): void {
  for (let index = 0; index < line.count; index += 1) {
    const turn = inTurn(line.from + index, line);
    // Whoever dissolves the line hears of it.
    turn.catch(() => undefined);
    turns.push(turn);
  }
}

async function inTurn(place: number, { name, ttlMs, waitMs, leaving }: Line): Promise<void> {
  const { signal } = noted(place);
  try {
    const lease = await clients[0]?.acquire(name, { ttlMs, waitMs, signal });
    moves.push({ place, kind: 'served', atUs: nowUs() });
    inLine.delete(place);
    if (Math.random() < leaving) somebodyLeaves();
    await lease?.release();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function noted(place: number): AbortController {
  const giveUp = new AbortController();
  inLine.set(place, giveUp);
  moves.push({ place, kind: 'queued', atUs: nowUs() });
  return giveUp;
}

function somebodyLeaves(): void {
  const [leaver] = [...inLine].slice(Math.floor(Math.random() * inLine.size));
  if (leaver === undefined) return;
  const [place, giveUp] = leaver;
  inLine.delete(place);
  moves.push({ place, kind: 'left_queue', atUs: nowUs() });
  giveUp.abort();
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
    case 'gather':
      clients.forEach((client, number) => void gather(client, number, order.ttlMs));
      return { kind: 'gathering' };
    case 'enough':
      hasEnough = true;
      return { kind: 'gathering' };
    case 'line_up':
      lineUp(order);
      return { kind: 'lined_up' };
    case 'dissolve':
      await Promise.all(turns);
      return { kind: 'dissolved', moves };
    case 'count': {
      const connected = clients.filter(({ state }) => state === 'connected').length;
      const held = leases.filter(({ state }) => state === 'held' || state === 'atRisk').length;
      return { kind: 'counted', connected, held, gathered, unrisen, lost, unanswered, refused };
    }
  }
}

// Whoever gave the orders is gone.
process.on('disconnect', () => process.exit());
process.on('message', (order: CrowdOrder) => {
  obey(order).then(say, (error: unknown) => say({ kind: 'failed', why: String(error) }));
});
say({ kind: 'ready' });
