/** The clock and timers the keeper needs. */
export interface KeeperClock {
  /** Monotonic. */
  nowMs(): number;
  after(delayMs: number, callback: () => void): { cancel(): void };
}

/** The lease as the keeper sees it. */
export interface KeptLease {
  /** How long it may be relied on, by the clock now; 0 when it is lost. A reserve for SIGKILL to take effect is off. */
  remainingMs(): number;
  on(event: 'state', listener: () => void): unknown;
  off(event: 'state', listener: () => void): unknown;
}

/** The command as the keeper sees it. */
export interface KeptCommand {
  signalAll(signal: 'SIGTERM' | 'SIGCONT' | 'SIGKILL'): unknown;
}

/** How far the keeper went: `terminated` = SIGTERM, `killed` = SIGKILL. */
export type Stop = 'none' | 'terminated' | 'killed';

/** The longest pause between two looks: timers know no suspended machine, looks do. */
const MAX_PAUSE_MS = 1_000;

/**
 * Keeps a command inside the validity of its lease: SIGTERM when no more than `killAfterMs` are left, SIGKILL that much
 * later or when nothing is left, whichever comes first. Every look asks the clock anew, so one that comes late, after a
 * stall or a SIGSTOP, kills at once. Once told to stop, a command is not pardoned: it may have begun to wind down.
 */
export class Keeper {
  #stop: Stop = 'none';
  #killAtMs = Number.POSITIVE_INFINITY;
  #timer: { cancel(): void } | undefined;
  #ended = false;

  constructor(
    private readonly lease: KeptLease,
    private readonly command: KeptCommand,
    private readonly clock: KeeperClock,
    private readonly killAfterMs: number,
    private readonly stopping: (stop: Exclude<Stop, 'none'>, leftMs: number) => void,
  ) {}

  get stop(): Stop {
    return this.#stop;
  }

  start(): void {
    this.lease.on('state', this.look);
    this.look();
  }

  /** The command has ended. */
  end(): void {
    this.#ended = true;
    this.lease.off('state', this.look);
    this.#timer?.cancel();
  }

  /** Looks at the clock and does what is due. May be called at any time. */
  readonly look = (): void => {
    // Asking may find the lease lost, whose listener comes back here: the inner look has then done everything.
    const leaseMs = this.lease.remainingMs();
    if (this.#ended || this.#stop === 'killed') return;
    const leftMs = Math.min(leaseMs, this.#killAtMs - this.clock.nowMs());
    if (leftMs <= 0) {
      this.command.signalAll('SIGKILL');
      this.#timer?.cancel();
      this.#set('killed', leaseMs);
      return;
    }
    if (this.#stop === 'none' && leftMs <= this.killAfterMs) {
      this.command.signalAll('SIGTERM');
      // A stopped command would not hear it.
      this.command.signalAll('SIGCONT');
      this.#killAtMs = this.clock.nowMs() + this.killAfterMs;
      this.#set('terminated', leftMs);
    }
    const dueMs = this.#stop === 'none' ? leftMs - this.killAfterMs : leftMs;
    this.#timer?.cancel();
    this.#timer = this.clock.after(Math.min(dueMs, MAX_PAUSE_MS), this.look);
  };

  #set(stop: Exclude<Stop, 'none'>, leftMs: number): void {
    this.#stop = stop;
    this.stopping(stop, leftMs);
  }
}
