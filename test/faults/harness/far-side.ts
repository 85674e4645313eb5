import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { eventually } from '../../support/deadline.js';
import { provideIproute } from '../../support/provide-iproute.js';

const READY_MS = 5_000;
/** 198.18.0.0/15, which is set aside for the tests of networks, in nets of four addresses. */
const NETS = 2 ** 15;
const FAR_DEVICE = 'far';
const DEVICES = '/sys/class/net';
/** Every packet gets a random number of 32 bits. */
const RANDOMS = 2 ** 32;

/**
 * A network namespace of its own at the other end of a cable: between what runs there and everybody else there is a real network,
 * which may lose packets or be slow. For root only.
 */
export class FarSide {
  static #made = 0;
  /** This side's address on the cable. */
  readonly near: string;
  /** The far side's. */
  readonly far: string;
  /** What a command needs before it to run there. */
  readonly command: readonly string[];
  readonly #device: string;

  private constructor(private readonly keeper: ChildProcess) {
    const number = (process.pid * 8 + FarSide.#made) % NETS;
    FarSide.#made += 1;
    this.near = addressOf(number, 1);
    this.far = addressOf(number, 2);
    this.command = ['nsenter', `--net=/proc/${keeper.pid}/ns/net`, '--'];
    this.#device = `${devicesOf(process.pid)}${FarSide.#made}`;
  }

  /** @throws Error that says why there can be none here. */
  static async begin(): Promise<FarSide> {
    provideIproute();
    // It reads what never comes, and ends with whoever started it.
    const side = new FarSide(spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'ignore', 'ignore'] }));
    try {
      await side.#connect();
      return side;
    } catch (error) {
      side.end();
      throw error;
    }
  }

  /** Why there can be no such thing here; `undefined` where it works. */
  static async impossible(): Promise<string | undefined> {
    try {
      const side = await FarSide.begin();
      try {
        side.lose(1);
        side.slow(1_000);
      } finally {
        side.end();
      }
      return undefined;
    } catch (error) {
      return `no network namespace with loss: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  /** From now on every packet is lost with this probability, either way: at its arrival, so that its sender does not know. */
  lose(percent: number): void {
    const limit = Math.round((RANDOMS * percent) / 100);
    // BPF: load a random number; drop where it is below the limit, else go on as if nothing had been asked.
    const drops = `4,32 0 0 4294963256,53 1 0 ${limit},6 0 0 2,6 0 0 4294967295`;
    this.#atBothEnds(
      (device) => `tc filter replace dev ${device} ingress prio 1 handle 1 bpf direct-action bytecode`,
      drops,
    );
  }

  /** From now on no more than this many bits pass a second, either way; what does not fit into a short queue is lost. */
  slow(bitsPerSecond: number): void {
    const shape = `tbf rate ${bitsPerSecond}bit burst 1600 limit 8000`;
    this.#atBothEnds((device) => `tc qdisc replace dev ${device} root ${shape}`);
  }

  /** The cable is as good as new. */
  heal(): void {
    this.#atBothEnds((device) => `tc filter del dev ${device} ingress`);
    this.#atBothEnds((device) => `tc qdisc replace dev ${device} root pfifo`);
  }

  /** Segments that were sent again by those on the far side so far. */
  get sentAgain(): number {
    const lines = readFileSync(`/proc/${this.keeper.pid}/net/snmp`, 'utf8').split('\n');
    const [names = [], values = []] = lines.filter((line) => line.startsWith('Tcp:')).map((line) => line.split(' '));
    return Number(values[names.indexOf('RetransSegs')]);
  }

  /** Processes that run there have to be ended by whoever started them. */
  end(): void {
    this.keeper.kill('SIGKILL');
    removeDevice(this.#device);
  }

  async #connect(): Promise<void> {
    const { keeper, near, far } = this;
    // That there is none is seen by its having no number.
    keeper.on('error', () => undefined);
    const network = (pid: number | 'self' = 'self'): string => readlinkSync(`/proc/${pid}/ns/net`);
    await eventually(READY_MS, 'a network namespace', () => {
      if (keeper.exitCode !== null || keeper.pid === undefined) throw new Error('unshare --net failed');
      return network(keeper.pid) !== network() || undefined;
    });
    run(`ip link add ${this.#device} type veth peer name ${FAR_DEVICE} netns ${keeper.pid}`);
    run(`ip address add ${near}/30 dev ${this.#device}`);
    run(`ip address add ${far}/30 dev ${FAR_DEVICE}`, this.command);
    run('ip link set lo up', this.command);
    this.#atBothEnds((device) => `ip link set ${device} up`);
    this.#atBothEnds((device) => `tc qdisc add dev ${device} clsact`);
  }

  #atBothEnds(command: (device: string) => string, ...more: readonly string[]): void {
    run(command(this.#device), [], more);
    run(command(FAR_DEVICE), this.command, more);
  }
}

const devicesOf = (pid: number): string => `hf${pid}-`;

/** Takes away the cables that a process has made. Those whose far side had unsent bytes when it ended would stay for long. */
export function removeCables(pid: number): void {
  for (const device of devices()) if (device.startsWith(devicesOf(pid))) removeDevice(device);
}

function devices(): readonly string[] {
  return existsSync(DEVICES) ? readdirSync(DEVICES) : [];
}

/** The other end goes with it. */
function removeDevice(device: string): void {
  if (devices().includes(device)) run(`ip link delete ${device}`);
}

function addressOf(net: number, host: number): string {
  const offset = net * 4 + host;
  return `198.${18 + (offset >> 16)}.${(offset >> 8) & 255}.${offset & 255}`;
}

function run(command: string, before: readonly string[] = [], after: readonly string[] = []): void {
  const [program = '', ...args] = [...before, ...command.split(' '), ...after];
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
