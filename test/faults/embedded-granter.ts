import { writeSync } from 'node:fs';
import { systemClock } from '../../server/src/process/system-clock.js';
import { openEmbeddedStore } from '../../server/src/store/embedded/open-embedded-store.js';
import { Batches } from '../contract/batches.js';
import { acquireBid, grantee, handOffBid, resource } from '../contract/store-bids.js';

/**
 * A process to be killed. It grants lease after lease, and hands one resource on as fast as it can, and says on its
 * standard output what a client would have been told by then:
 *
 *   plain <name> <secret> <token>   a grant, never released
 *   told <secret> <token>           the resource `hot` has a new holder
 *   released <secret>               that holder's word, given before the hand-off is asked for
 *   begin <n>                       before each grant of `--one-by-one`
 *
 * With `--idle` it only keeps the directory.
 */
const [directory = '', run = '', pace = ''] = process.argv.slice(2);
const LONG_MS = 3_600_000;

const say = (line: string): void => void writeSync(1, `${line}\n`);
const store = await openEmbeddedStore({
  directory,
  clock: systemClock,
  clockRateDrift: 0.01,
  clockMarginMs: 5,
  onFailure: (error) => {
    say(`failed ${error.message}`);
    process.exit(3);
  },
});
const batches = new Batches(() => store);
say(`open ${process.pid}`);

async function grantPlain(lane: string): Promise<void> {
  for (let index = 0; ; index += 1) {
    const name = `plain-${run}-${lane}-${index}`;
    if (pace === '--one-by-one') say(`begin ${index}`);
    const [answer] = await batches.acquire([acquireBid(name, grantee(name, { ttlMs: LONG_MS }))]);
    if (answer?.kind !== 'granted') return;
    say(`plain ${name} ${name} ${answer.token}`);
  }
}

async function handOnHot(): Promise<void> {
  const hot = (index: number) => grantee(`hot-${run}-${index}`, { ttlMs: LONG_MS });
  const secretOf = (index: number): string => `hot-${run}-${index}`;
  const name = `hot-${run}`;
  const [first] = await batches.acquire([acquireBid(name, hot(0))]);
  if (first?.kind !== 'granted') return;
  let token = first.token;
  say(`told ${secretOf(0)} ${token}`);
  for (let index = 0; ; index += 1) {
    store.nominate([1, 2, 3, 4].map((ahead) => ({ resource: resource(name), to: hot(index + ahead) })));
    // So that some of the hand-offs find a durable nomination and some do not.
    if (index % 5 === 0) await batches.acquire([acquireBid(`pause-${run}-${index}`, grantee('pause', { ttlMs: 1 }))]);
    say(`released ${secretOf(index)}`);
    const from = { secret: secretOf(index), token };
    const [answer] = await batches.handOff([handOffBid(name, from, hot(index + 1))]);
    if (answer?.kind !== 'granted') return;
    token = answer.token;
    say(`told ${secretOf(index + 1)} ${token}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

if (pace === '--one-by-one') await grantPlain('a');
else if (pace === '--idle') process.stdin.resume();
else await Promise.all([grantPlain('a'), grantPlain('b'), handOnHot()]);
