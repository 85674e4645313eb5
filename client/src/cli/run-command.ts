import { type Client, connect, type Lease, UnavailableError, WaitTimeoutError } from '../index.js';
import { KeepAlive, SystemClock } from '../system-clock.js';
import { checkKillAfter, type RunOptions } from './command-line.js';
import { type CommandEnd, CommandProcess, exitCodeOf } from './command-process.js';
import { durationText, roughDuration } from './duration.js';
import { EXIT } from './exit-codes.js';
import { InterruptedError, NoServerError } from './explain.js';
import { Keeper, type Stop } from './keeper.js';
import { SignalInbox } from './signal-inbox.js';
import type { Voice } from './voice.js';

const KILL_AFTER_SHARE = 1 / 6;
const MAX_DEFAULT_KILL_AFTER_MS = 5_000;
/** How long a finished command may have to wait for its resource to be given back. */
const RELEASE_PATIENCE_MS = 5_000;
/** How long killed processes may take to be gone. */
const GONE_PATIENCE_MS = 2_000;
const GONE_POLL_MS = 10;

/** Runs a command under a lease. Resolves with the exit code; rejects when the lease was not granted. */
export async function runCommand(options: RunOptions, environment: NodeJS.ProcessEnv, voice: Voice): Promise<number> {
  const signals = new SignalInbox(() => {
    voice.say('stop_refused', 'not suspended: the lease would run out while the command runs on');
  });
  // Pauses do not keep the process alive, and after a loss there may be no connection that would.
  new KeepAlive().set(true);
  const client = await connected(options, signals);
  try {
    const lease = await taken(client, options, signals, voice);
    return await new Run(lease, options, signals, voice).toTheEnd(client, environment);
  } catch (error) {
    await client.close();
    throw error;
  }
}

async function connected(options: RunOptions, signals: SignalInbox): Promise<Client> {
  const { servers, namespace, connectTimeoutMs, clientName: name } = options;
  const interrupted = new Promise<never>((_, reject) => {
    signals.onEnding = (signal) => reject(new InterruptedError(signal));
  });
  try {
    return await Promise.race([connect(servers, { name, namespace, connectTimeoutMs }), interrupted]);
  } catch (error) {
    if (error instanceof UnavailableError) throw new NoServerError(servers, error);
    throw error;
  }
}

async function taken(client: Client, options: RunOptions, signals: SignalInbox, voice: Voice): Promise<Lease> {
  const { name, ttlMs, waitMs } = options;
  const abort = new AbortController();
  signals.onEnding = (signal) => abort.abort(new InterruptedError(signal));
  const lease = await client.acquire(name, { ttlMs, waitMs: 0, signal: abort.signal }).catch((error: unknown) => {
    const passing = error instanceof WaitTimeoutError || error instanceof UnavailableError;
    if (waitMs === 0 || !passing) throw error;
    voice.say('waiting', `${error.message}; waiting up to ${durationText(waitMs)}`, { resource: name });
    return client.acquire(name, { ttlMs, waitMs, signal: abort.signal });
  });
  if (signals.first !== undefined) throw new InterruptedError(signals.first);
  return lease;
}

/** A command under its lease. */
class Run {
  readonly #clock = new SystemClock();

  constructor(
    private readonly lease: Lease,
    private readonly options: RunOptions,
    private readonly signals: SignalInbox,
    private readonly voice: Voice,
  ) {}

  async toTheEnd(client: Client, environment: NodeJS.ProcessEnv): Promise<number> {
    const { lease, signals, voice } = this;
    const killAfterMs = this.#killAfterMs();
    const command = new CommandProcess(this.options.command, {
      ...environment,
      HOLDFAST_TOKEN: String(lease.token),
      HOLDFAST_LEASE_ID: lease.id,
      HOLDFAST_NAME: lease.name,
    });
    process.on('exit', () => {
      if (command.running) command.signalAll('SIGKILL');
    });
    const keeper = new Keeper(lease, command, this.#clock, killAfterMs, (stop, leftMs) => this.#stopping(stop, leftMs));
    signals.onEnding = (signal) => void command.signalAll(signal);
    signals.onContinued = keeper.look;
    keeper.start();
    const end = await command.ended;
    // Before anything is given back: was it the lease's time the command ended in?
    const held = lease.remainingMs() > 0;
    keeper.end();
    if (keeper.stop !== 'none' || !held) return this.#afterLoss(client, command, keeper.stop);
    if (end.kind === 'notStarted') voice.say('not_started', end.problem, { exitCode: end.exitCode });
    return this.#giveBack(client, end);
  }

  #killAfterMs(): number {
    const { ttlMs } = this.lease;
    const { killAfterMs = Math.min(ttlMs * KILL_AFTER_SHARE, MAX_DEFAULT_KILL_AFTER_MS) } = this.options;
    checkKillAfter(killAfterMs, ttlMs);
    return killAfterMs;
  }

  #stopping(stop: Exclude<Stop, 'none'>, leftMs: number): void {
    const { name } = this.lease;
    if (stop === 'terminated') {
      const message = `cannot keep ${name}: no extension came; stopping the command, ${roughDuration(leftMs)} left`;
      this.voice.say('stopping', message, { resource: name, leftMs: Math.floor(leftMs) });
    } else {
      this.voice.say('killed', `killed the command: its lease on ${name} is over`, { resource: name });
    }
  }

  /** What the command left running is killed too. The lease is given back only when nobody is left to rely on it. */
  async #afterLoss(client: Client, command: CommandProcess, stop: Stop): Promise<number> {
    const { name } = this.lease;
    command.signalAll('SIGKILL');
    if (stop === 'none')
      this.voice.say('lost', `the lease on ${name} ended before the command did`, { resource: name });
    const gone = await this.#gone(command);
    if (gone) await client.close();
    else
      this.voice.say(
        'left_over',
        `the killed command is still there; ${name} is not given back, but runs out by itself`,
      );
    return EXIT.leaseLost.code;
  }

  async #gone(command: CommandProcess): Promise<boolean> {
    const untilMs = this.#clock.nowMs() + GONE_PATIENCE_MS;
    while (command.signalAll(0)) {
      if (this.#clock.nowMs() >= untilMs) return false;
      await this.#pause(GONE_POLL_MS);
    }
    return true;
  }

  async #giveBack(client: Client, end: CommandEnd): Promise<number> {
    const { lease, signals, voice } = this;
    const impatient = new Promise<'unknown'>((resolve) => {
      signals.onEnding = () => resolve('unknown');
    });
    const overdue = this.#pause(RELEASE_PATIENCE_MS).then(() => 'unknown' as const);
    const released = lease.release().then(({ outcome }) => outcome);
    const outcome = await Promise.race([released, overdue, impatient]);
    if (outcome === 'unknown') {
      voice.say('not_released', `could not give ${lease.name} back; it runs out by itself`, { resource: lease.name });
    } else {
      await client.close();
    }
    return exitCodeOf(end);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#clock.after(ms, resolve));
  }
}
