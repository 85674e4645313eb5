import type { Hash } from '../../server/src/core/names.js';
import type { PromisedLease, StorePromises, StoreTraits } from './store-promises.js';

/** What a store may answer, and which lease it would be about. */
export interface Expectation<Kind extends string> {
  readonly kinds: readonly Kind[];
  readonly lease: PromisedLease | undefined;
}

type Certainty = 'yes' | 'perhaps' | 'no';

interface Claim {
  readonly certainty: Certainty;
  readonly lease: PromisedLease | undefined;
}

/** Which answers to a call keep a store's promises. */
export class StoreExpectations {
  constructor(
    private readonly promises: StorePromises,
    private readonly traits: StoreTraits,
  ) {}

  acquire(name: string, own: Hash, earlier: readonly Hash[]): Expectation<'granted' | 'held' | 'mine'> {
    const { certainty, lease } = this.#claim(name, this.traits.repeatsAnswers ? [own, ...earlier] : earlier, undefined);
    const unsure = this.promises.maybe(name).length > 0;
    if (certainty === 'yes') return { kinds: unsure ? ['mine', 'held'] : ['mine'], lease };
    const presence = this.#presence(name);
    const kinds: ('granted' | 'held' | 'mine')[] = [];
    if (presence !== 'stands') kinds.push('granted');
    if (presence !== 'gone' || unsure) kinds.push('held');
    if (certainty === 'perhaps') kinds.push('mine');
    return { kinds, lease };
  }

  extend(name: string, hash: Hash, token: bigint): Expectation<'renewed' | 'lost'> {
    const { certainty, lease } = this.#claim(name, [hash], token);
    return { kinds: either(certainty, 'renewed', 'lost'), lease };
  }

  adopt(name: string, hashes: readonly Hash[], token: bigint): Expectation<'adopted' | 'lost'> {
    const { certainty, lease } = this.#claim(name, hashes, token);
    return { kinds: either(certainty, 'adopted', 'lost'), lease };
  }

  handOff(name: string, from: Hash, token: bigint, to: Hash): Expectation<'granted' | 'lost'> {
    const { certainty, lease } = this.#claim(name, [from], token);
    const presence = this.#presence(name);
    // Whether it has been noticed that it ran out is the store's business, as long as nobody else has it.
    const runOut = this.promises.runOut(name).some((other) => matches(other, [from], token) !== 'no');
    const late = runOut && presence !== 'stands';
    // One that a crash has left as the only one that may hold it is told so, whoever hands off to it.
    const left = presence !== 'stands' && this.promises.maybe(name).some(({ hashes }) => hashes.includes(to));
    const free = this.traits.handsOffFreely && presence !== 'stands';
    if (certainty === 'no' && (late || left || free)) return { kinds: ['granted', 'lost'], lease: undefined };
    return { kinds: either(certainty, 'granted', 'lost'), lease };
  }

  release(name: string, hashes: readonly Hash[], token: bigint | undefined): Expectation<'released' | 'gone'> {
    const { certainty, lease } = this.#claim(name, hashes, token);
    return { kinds: either(certainty, 'released', 'gone'), lease };
  }

  #presence(name: string): 'stands' | 'gone' | 'either' {
    const standing = this.promises.standing(name);
    return standing === undefined ? 'gone' : this.promises.presence(standing);
  }

  /** Whether what stands is one of these, as far as anybody was told. */
  #claim(name: string, hashes: readonly Hash[], token: bigint | undefined): Claim {
    const standing = this.promises.standing(name);
    if (standing !== undefined) {
      const match = matches(standing, hashes, token);
      const presence = this.promises.presence(standing);
      if (match === 'yes' && presence === 'stands') return { certainty: 'yes', lease: standing };
      if (match !== 'no' && presence !== 'gone') return { certainty: 'perhaps', lease: standing };
    }
    const lease = this.promises.maybe(name).find((other) => matches(other, hashes, token) !== 'no');
    return { certainty: lease === undefined ? 'no' : 'perhaps', lease };
  }
}

function matches(lease: PromisedLease, hashes: readonly Hash[], token: bigint | undefined): Certainty {
  const among = lease.hashes.filter((hash) => hashes.includes(hash)).length;
  if (among === 0) return 'no';
  if (token !== undefined && lease.token !== undefined && token !== lease.token) return 'no';
  return among < lease.hashes.length || (token !== undefined && lease.token === undefined) ? 'perhaps' : 'yes';
}

function either<Kind>(certainty: Certainty, yes: Kind, no: Kind): readonly Kind[] {
  if (certainty === 'perhaps') return [yes, no];
  return [certainty === 'yes' ? yes : no];
}
