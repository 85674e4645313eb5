import { UnavailableError } from '../errors.js';
import { SystemClock } from '../system-clock.js';
import { type ListedLease, listLeases } from '../transport/lease-listing.js';
import type { ListOptions } from './command-line.js';
import { NoServerError } from './explain.js';
import { LeaseTable } from './lease-table.js';
import type { Output } from './output.js';

const DEFAULT_NAMESPACE = 'default';

/** Lists leases: a table for people, or one JSON array. */
export async function listCommand(options: ListOptions, json: boolean, output: Output): Promise<void> {
  const clock = new SystemClock();
  const format = json ? new JsonArray() : new Table(options, clock);
  for await (const page of pages(options, clock)) output.write(format.page(page));
  output.write(format.end());
}

/** The first server that answers is asked. */
async function* pages(options: ListOptions, clock: SystemClock): AsyncGenerator<readonly ListedLease[]> {
  const { servers, namespace = DEFAULT_NAMESPACE, allNamespaces, prefix, connectTimeoutMs } = options;
  const query = { namespace: allNamespaces ? '' : namespace, prefix };
  let failure: UnavailableError | undefined;
  for (const server of servers) {
    const found = listLeases(server, query, () => clock.wallMs() + connectTimeoutMs);
    const first = await found.next().catch((error: unknown) => {
      if (!(error instanceof UnavailableError)) throw error;
      failure ??= error;
    });
    if (first === undefined) continue;
    if (first.done !== true) yield first.value;
    yield* found;
    return;
  }
  if (failure !== undefined) throw new NoServerError(servers, failure);
}

interface Format {
  page(leases: readonly ListedLease[]): string;
  end(): string;
}

class Table implements Format {
  readonly #table: LeaseTable;
  #empty = true;

  constructor(
    private readonly options: ListOptions,
    private readonly clock: SystemClock,
  ) {
    this.#table = new LeaseTable(options.allNamespaces);
  }

  page(leases: readonly ListedLease[]): string {
    if (leases.length === 0) return '';
    this.#empty = false;
    return this.#table
      .lines(leases, this.clock.wallMs())
      .map((line) => `${line}\n`)
      .join('');
  }

  end(): string {
    if (!this.#empty) return '';
    const { allNamespaces, namespace = DEFAULT_NAMESPACE, prefix } = this.options;
    const where = allNamespaces ? 'in any namespace' : `in the namespace ${JSON.stringify(namespace)}`;
    const which = prefix === '' ? '' : ` on names that begin with ${JSON.stringify(prefix)}`;
    return `no leases${which} ${where}\n`;
  }
}

/** One array, however many pages: tokens are strings, since readers of JSON round numbers of that size. */
class JsonArray implements Format {
  #empty = true;

  page(leases: readonly ListedLease[]): string {
    const texts = leases.map((lease) => JSON.stringify(jsonOf(lease)));
    if (texts.length === 0) return '';
    const opening = this.#empty ? '[\n' : ',\n';
    this.#empty = false;
    return opening + texts.join(',\n');
  }

  end(): string {
    return this.#empty ? '[]\n' : '\n]\n';
  }
}

function jsonOf({ grantedAtWallMs, token, ...lease }: ListedLease): Readonly<Record<string, string | number>> {
  return { ...lease, token: String(token), grantedAt: new Date(grantedAtWallMs).toISOString() };
}
