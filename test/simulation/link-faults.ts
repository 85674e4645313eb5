import type { FaultKind, NemesisParts } from './redlock-nemesis.js';
import type { LinkDirection } from './redlock-server.js';
import type { Troubles } from './troubles.js';

const LINK_DIRECTIONS: readonly LinkDirection[] = ['requests', 'replies', 'both'];

/** What befalls messages between servers and nodes, and on streams. */
export class LinkFaults {
  readonly kinds: readonly FaultKind[] = [
    { name: 'cutLink', weight: 10, strike: () => this.#cutLink() },
    { name: 'slowLink', weight: 6, strike: () => this.#slowLink() },
    { name: 'slowServer', weight: 4, strike: () => this.#slowServer() },
    { name: 'slowEverything', weight: 3, strike: () => this.#slowEverything() },
  ];

  constructor(
    private readonly parts: NemesisParts,
    private readonly troubles: Troubles,
  ) {}

  #cutLink(): void {
    const { maxTtlMs, random, redises, servers } = this.parts;
    const server = random.pick(servers);
    const node = Math.floor(random.unit() * redises.length);
    const direction = random.pick(LINK_DIRECTIONS);
    this.troubles.during(
      `${server.process.name} | ${redises[node]?.id} (${direction})`,
      random.between(20, 3 * maxTtlMs),
      () => server.cut(node, direction),
      () => server.heal(node),
    );
  }

  #slowLink(): void {
    const { maxTtlMs, random, redises, servers } = this.parts;
    const server = random.pick(servers);
    const node = Math.floor(random.unit() * redises.length);
    const delayMs = random.chance(0.6) ? random.between(5, 60) : random.between(60, 2 * maxTtlMs);
    this.troubles.during(
      `${server.process.name} - ${redises[node]?.id} is slow (${delayMs.toFixed()} ms)`,
      random.between(200, 4_000),
      () => server.slow(node, 'both', delayMs),
      () => server.slow(node, 'both'),
    );
  }

  /** As if its machine were far away, or busy. */
  #slowServer(): void {
    const { random, redises, servers } = this.parts;
    const server = random.pick(servers);
    const direction = random.pick(LINK_DIRECTIONS);
    const delayMs = random.chance(0.6) ? random.between(5, 60) : random.between(60, 400);
    this.troubles.during(
      `${server.process.name} is slow (${direction}, ${delayMs.toFixed()} ms)`,
      random.between(200, 4_000),
      () => redises.forEach((_, node) => void server.slow(node, direction, delayMs)),
      () => redises.forEach((_, node) => void server.slow(node, direction)),
    );
  }

  #slowEverything(): void {
    const { maxTtlMs, network, random } = this.parts;
    const delayMs = random.chance(0.5) ? random.between(5, 50) : random.between(50, maxTtlMs);
    const before = network.maxDelayMs;
    this.troubles.during(
      'slow streams',
      random.between(200, 4_000),
      () => {
        network.maxDelayMs = delayMs;
      },
      () => {
        network.maxDelayMs = before;
      },
    );
  }
}
