/** A client in a process of its own, told what to do over the IPC channel by `client-process.ts`. */

import { connect as dial } from 'node:net';
import { type Client, connect, type Lease } from '@holdfast/client';
import type { ClientEvent, ClientOrder, ResourceAddress, Shift, ShiftEvent, WriteCheck } from './client-process.js';
import { allocate } from './garbage.js';

const leases = new Map<string, Lease>();
/** Kept apart from the leases, which tell theirs only while they are held. */
const tokens = new Map<string, string>();
let client: Client | undefined;
let ownName = '';
let work: { resting: boolean; readonly done: Promise<unknown> } | undefined;

function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

function say(event: ClientEvent): void {
  if (process.connected) process.send?.(event);
}

function lease(name: string): Lease {
  const found = leases.get(name);
  if (found === undefined) throw new Error(`no lease on ${name}`);
  return found;
}

/** Whether a check lets a write pass, right now. */
function mayWrite(held: Lease, by: WriteCheck = 'assertHeld', signal = held.signal): boolean {
  if (by === 'nothing') return true;
  if (by === 'signal') return !signal.aborted;
  try {
    held.assertHeld();
    return true;
  } catch {
    return false;
  }
}

const LOOK_EVERY_MS = 10;
/** Deadlines are told when they have moved on by more than what rounding does. */
const TOLD_STEP_US = 1_000;

/** Looks at a lease, and tells of a later deadline than was told before. */
type Look = () => void;
/** Of those that may still be extended, or wrongly so. */
const looks = new WeakMap<Lease, Look>();

/** Tells of every later deadline of a lease, until it is given back or told to be lost. */
function watch(held: Lease, name: string, toldUs: number, tell: (event: ShiftEvent) => void): void {
  let lastUs = toldUs;
  let sinceUs = nowUs();
  const look = (): void => {
    const remainingUs = held.remainingMs() * 1_000;
    const atUs = nowUs();
    const untilUs = atUs + remainingUs;
    if (remainingUs > 0 && untilUs >= lastUs + TOLD_STEP_US) {
      lastUs = untilUs;
      tell({ kind: 'extended', name, untilUs, sinceUs, atUs });
    }
    sinceUs = atUs;
  };
  const timer = setInterval(() => {
    look();
    if (held.state === 'released' || held.state === 'lost') clearInterval(timer);
  }, LOOK_EVERY_MS);
  looks.set(held, look);
}

/** As `mayWrite`, and tells of it. Whoever asks the clock gets to know first what it goes by. */
function looked(held: Lease, by: WriteCheck, signal: AbortSignal, tell: (event: ShiftEvent) => void): boolean {
  const may = mayWrite(held, by, signal);
  if (by === 'assertHeld') looks.get(held)?.();
  tell({ kind: 'looked', name: held.name, mayWrite: may, atUs: nowUs() });
  return may;
}

/** One line to the resource; resolves when the network has it. */
function send({ host, port }: ResourceAddress, write: Readonly<Record<string, string>>): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = dial({ host, port });
    socket.on('error', reject);
    socket.once('data', () => socket.destroy());
    socket.write(`${JSON.stringify(write)}\n`, () => resolve());
  });
}

/** Looks at the lease and writes, or not, without having yielded since the stall. */
async function write(order: Extract<ClientOrder, { kind: 'write' }>): Promise<void> {
  const { name, resource, by, operation, stallMs = 0 } = order;
  const held = lease(name);
  const { signal } = held;
  const token = tokens.get(name) ?? '';
  const endUs = nowUs() + stallMs * 1_000;
  while (nowUs() < endUs);
  const may = looked(held, by, signal, say);
  if (may) await send(resource, { resource: name, token, writer: ownName, operation });
  say({ kind: 'wrote', name, mayWrite: may });
}

/** Acquires, and tells of that and of everything that happens to the lease, but for its release. */
async function taken(name: string, ttlMs: number, waitMs: number, tell: (event: ShiftEvent) => void): Promise<Lease> {
  if (client === undefined) throw new Error('not connected');
  tell({ kind: 'acquiring', name, waitMs, atUs: nowUs() });
  const held = await client.acquire(name, { ttlMs, waitMs });
  held.signal.addEventListener('abort', () => tell({ kind: 'lost', name, atUs: nowUs() }));
  const { id: leaseId, token } = held;
  const [remainingMs, atUs] = [held.remainingMs(), nowUs()];
  tell({ kind: 'granted', name, leaseId, token: String(token), remainingMs, atUs });
  watch(held, name, atUs + remainingMs * 1_000, tell);
  return held;
}

async function acquire(name: string, ttlMs: number, waitMs: number): Promise<void> {
  const held = await taken(name, ttlMs, waitMs, (event) => {
    if (event.kind === 'granted') tokens.set(name, event.token);
    say(event);
  });
  leases.set(name, held);
}

const WORK_WAIT_MS = 60_000;

type Work = Extract<ClientOrder, { kind: 'work' }>;

/** The account of all lanes, as it grows. */
interface Worked {
  readonly kind: 'worked';
  readonly shifts: Shift[];
  readonly failures: string[];
}

let shiftsBegun = 0;

/** One lease. Who holds it looks at the clock before the work is taken for done. */
async function shift(name: string, { ttlMs, holdMs, resource }: Work): Promise<Shift> {
  shiftsBegun += 1;
  const number = shiftsBegun;
  const tell = (event: ShiftEvent): void => say({ kind: 'at_work', shift: number, event });
  const held = await taken(name, ttlMs, WORK_WAIT_MS, tell).catch((error: unknown) => {
    tell({ kind: 'failed', order: 'acquire', name, ...named(error), atUs: nowUs() });
    throw error;
  });
  const token = String(held.token);
  await new Promise((resolve) => setTimeout(resolve, holdMs));
  const goOn = (): void => {
    if (!looked(held, 'assertHeld', held.signal, tell)) held.assertHeld();
  };
  goOn();
  if (resource !== undefined) {
    await send(resource, { resource: name, token, writer: ownName, operation: `work-${token}` });
    goOn();
  }
  tell({ kind: 'releasing', name, atUs: nowUs() });
  await held.release();
  return { name, token };
}

function named(error: unknown): { readonly error: string; readonly message: string } {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { error: name, message };
}

/** One lease after another. */
async function lane(order: Work, number: number, isOver: () => boolean, worked: Worked): Promise<void> {
  for (let round = number; !isOver(); round += 1) {
    try {
      worked.shifts.push(await shift(order.names[round % order.names.length] ?? '', order));
    } catch (error) {
      worked.failures.push(String(error));
      if (order.persists !== true) return;
    }
  }
}

function beginWork(order: Work): NonNullable<typeof work> {
  const worked: Worked = { kind: 'worked', shifts: [], failures: [] };
  const begun = { resting: false, done: Promise.resolve() };
  const lanes = Array.from({ length: order.lanes }, (_, number) => lane(order, number, () => begun.resting, worked));
  begun.done = Promise.all(lanes).then(() => say(worked));
  return begun;
}

async function section({ name, ttlMs, body }: Extract<ClientOrder, { kind: 'section' }>): Promise<void> {
  const thrown = new Error('thrown');
  const act = () => (body === 'throws' ? Promise.reject(thrown) : new Promise(() => undefined));
  const error: unknown = await client?.using(name, { ttlMs }, act).catch((reason: unknown) => reason);
  say({ kind: 'section_over', name, error: String(error), isAsThrown: error === thrown });
}

function look(name: string): void {
  const held = lease(name);
  looks.get(held)?.();
  const remainingMs = held.remainingMs();
  say({ kind: 'view', name, mayWrite: mayWrite(held), state: held.state, remainingMs, atUs: nowUs() });
}

function stall({ name, ms }: Extract<ClientOrder, { kind: 'stall' }>): void {
  const held = lease(name);
  const { signal } = held;
  const endUs = nowUs() + ms * 1_000;
  while (nowUs() < endUs);
  // Nothing has run since: no timer, no message. Only the clock can tell.
  const { aborted } = signal;
  const may = mayWrite(held);
  looks.get(held)?.();
  say({ kind: 'stalled', name, signalAborted: aborted, mayWrite: may, atUs: nowUs() });
}

async function obey(order: ClientOrder): Promise<void> {
  switch (order.kind) {
    case 'connect':
      await client?.close();
      leases.clear();
      ownName = order.name;
      client = await connect(order.targets, { name: order.name, ...order.options });
      client.on('state', (state) => say({ kind: 'state', state, atUs: nowUs() }));
      say({ kind: 'connected' });
      return;
    case 'acquire':
      await acquire(order.name, order.ttlMs, order.waitMs);
      return;
    case 'look':
      look(order.name);
      return;
    case 'stall':
      stall(order);
      return;
    case 'write':
      await write(order);
      return;
    case 'allocate':
      say({ kind: 'allocated', ...(await allocate(order.ms, order.liveMb)) });
      return;
    case 'hoard':
      await Promise.all(
        Array.from({ length: order.count }, (_, index) => client?.acquire(`hoard-${index}`, { ttlMs: order.ttlMs })),
      );
      say({ kind: 'hoarded' });
      return;
    case 'leave':
      process.exit();
      return;
    case 'work':
      work = beginWork(order);
      return;
    case 'rest':
      if (work !== undefined) work.resting = true;
      await work?.done;
      return;
    case 'release': {
      say({ kind: 'releasing', name: order.name, atUs: nowUs() });
      const { outcome } = await lease(order.name).release();
      say({ kind: 'released', name: order.name, outcome, atUs: nowUs() });
      return;
    }
    case 'extend': {
      const refusal = await lease(order.name)
        .extend()
        .then(() => undefined, String);
      say({ kind: 'asked_to_extend', name: order.name, refusal });
      return;
    }
    case 'dispose':
      say({ kind: 'releasing', name: order.name, atUs: nowUs() });
      await lease(order.name)[Symbol.asyncDispose]();
      say({ kind: 'disposed', name: order.name });
      return;
    case 'section':
      await section(order);
      return;
    case 'close':
      await client?.close();
      process.disconnect();
      return;
  }
}

// Whoever gave the orders is gone.
process.on('disconnect', () => process.exit());
process.on('message', (order: ClientOrder) => {
  obey(order).catch((error: unknown) => {
    const name = 'name' in order ? order.name : '';
    say({ kind: 'failed', order: order.kind, name, ...named(error), atUs: nowUs() });
  });
});
say({ kind: 'ready' });
