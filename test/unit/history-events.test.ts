import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { merged, parseEvents, readEvents, writeEvent } from '../history/event-file.js';
import { replay } from '../history/replay.js';
import { Story } from './history-story.js';

describe('a history that is written down', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-history-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('of two processes is put in one order, and judged as if it had been watched', () => {
    const mine = new Story().holds(0, 'a', 1).extend(500, 'a', 1, 2_000);
    const yours = new Story().holds(990, 'b', 2);
    const files = [mine, yours].map(({ events }, index) => {
      const file = join(folder, `${index}.jsonl`);
      for (const event of events) writeEvent(file, event);
      return file;
    });
    const history = replay(merged(files.map(readEvents)));
    expect(history.violations.join()).to.include('b and a both hold r (2 and 1) for up to 1000 µs');
    expect(history.grants).to.equal(2);
  });

  it('has what ends a belief before what begins another at the same microsecond, and each process in its own order', () => {
    const taker = new Story().invoke(0, 'b').grant(500, 'b', 2, 900).release(500, 'b', 2);
    const giver = new Story().holds(0, 'a', 1).release(500, 'a', 1);
    for (const both of [
      [taker, giver],
      [giver, taker],
    ]) {
      const events = merged(both.map((story) => story.events));
      expect(replay(events).violations).to.deep.equal([]);
      expect(events.filter(({ atUs }) => atUs === 500).map(({ kind }) => kind)).to.deep.equal([
        'release_call',
        'grant',
        'release_call',
      ]);
    }
  });

  it('may end in the middle of a line: its process was killed', () => {
    const file = join(folder, 'killed.jsonl');
    writeEvent(file, { atUs: 1, kind: 'died', client: 'a' });
    writeFileSync(file, '{"atUs":2,"ki', { flag: 'a' });
    expect(readEvents(file)).to.deep.equal([{ atUs: 1, kind: 'died', client: 'a' }]);
  });

  it('is refused where a line is no event, by its number and what is wrong', () => {
    const refusal = (line: string) => {
      try {
        return JSON.stringify(parseEvents(`{"atUs":5,"kind":"died","client":"a"}\n${line}\n`, 'h'));
      } catch (error) {
        return error instanceof Error ? error.message : '';
      }
    };
    expect(refusal('nonsense')).to.equal('h:2: not JSON');
    expect(refusal('7')).to.equal('h:2: not an object');
    expect(refusal('{"atUs":6,"kind":"toString"}')).to.equal('h:2: kind is "toString", which no event is');
    expect(refusal('{"atUs":6,"kind":"died"}')).to.equal('h:2: died needs client, a string');
    expect(refusal('{"kind":"died","client":"a"}')).to.equal('h:2: died needs atUs, a number');
    expect(refusal('{"atUs":6,"kind":"write_accepted","client":"a","resource":"r","token":"1e3"}')).to.equal(
      'h:2: the token must be a decimal number, not "1e3"',
    );
    expect(refusal('{"atUs":4,"kind":"died","client":"a"}')).to.equal('h:2: atUs goes back from 5 to 4');
  });

  it('is refused where it speaks of what it has not told, or goes back in time', () => {
    expect(() => new Story().release(0, 'a', 1).violations()).to.throw(
      'release_call of a r 1, which was never granted',
    );
    expect(() => new Story().grant(0, 'a', 1, 5).violations()).to.throw('grant of a a, which was never invoked');
    expect(() => new Story().invoke(5, 'a').invoke(4, 'b').violations()).to.throw('invoke at 4 comes after 5');
  });
});
