import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { OLD_WRITE, Stage, TWO_BELIEVE } from '../faults/harness/stage.js';
import { foundWithout } from '../faults/rows/control-result.js';

describe('the controls of rows of faults', () => {
  const control = { without: 'the guard', breaks: TWO_BELIEVE };

  it('count what they are there for, and nothing else', () => {
    const late = 'S5/I5 at 9.000 ms: an acquire of r by a was answered late';
    const both = 'S1/I3 at 10.000 ms: a and b both hold r (1 and 2) for up to 3 µs';
    expect(foundWithout(control, [late, both])).to.deep.equal({ without: 'the guard', violations: 1, first: both });
  });

  it('have found nothing where only something else went wrong', () => {
    for (const other of [
      'S5/I5 at 9.000 ms: late',
      'I3: it believed that it might write',
      'TypeError: no',
      'I10: late',
    ]) {
      expect(foundWithout(control, [other]), other).to.match(/^control: 0 violations .*others: 1 violations/);
      expect(OLD_WRITE.test(other), other).to.equal(false);
    }
    expect(foundWithout(control, [])).to.match(/without the guard$/);
  });
});

describe('a run of a row', () => {
  let folder: string;
  let stage: Stage;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-stage-'));
    stage = new Stage(folder, undefined);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function rejection(promise: Promise<unknown>): Promise<unknown> {
    return promise.then(
      () => undefined,
      (error: unknown) => error,
    );
  }

  it('does not look for locks that may end by themselves meanwhile', async () => {
    expect(await rejection(stage.noLocksLeft(['r'], 751, 1_500))).to.be.instanceOf(RangeError);
    expect(await rejection(stage.noLocksLeft(['r'], 750, 1_500))).to.equal(undefined);
  });

  it('takes what is late for a violation, and what cannot be asked for a failure', async () => {
    const broken = new Error('no such metric');
    expect(await rejection(stage.soon('I7', 'it', 0, () => Promise.reject(broken)))).to.equal(broken);
    await stage.soon('I7', 'nobody left', 0, () => false);
    expect((await stage.finish()).violations).to.deep.equal(['I7: nobody left: not within 0 ms']);
  });
});
