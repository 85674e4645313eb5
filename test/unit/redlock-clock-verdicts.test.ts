import { expect } from 'chai';
import { ClockWatch } from '../../server/src/store/redlock/coordinator/clock-watch.js';
import { VirtualClock } from '../support/virtual-clock.js';

/** A watch by itself, of nodes that are measured exactly when the test says so. */
class Watched {
  readonly clock = new VirtualClock();
  readonly told: string[] = [];
  readonly watch = new ClockWatch(5, 3, 0.01, {
    clock: this.clock,
    measureAll: () => undefined,
    moved: (node) => this.told.push(`moved ${node}`),
    suspected: (why) => this.told.push(`suspected ${why}`),
    trusted: () => this.told.push('trusted'),
  });

  async measured(nodes: readonly number[], offsetMs: number): Promise<void> {
    const sentMs = this.clock.nowMs();
    await this.clock.advance(1);
    const clockUs = (sentMs + 0.5 + offsetMs) * 1_000;
    for (const node of nodes) this.watch.observed(node, { clockUs }, sentMs, this.clock.nowMs());
    await this.clock.advance(1);
  }

  /** A node is slow to be asked, and its answer to arrive. */
  async slowly(node: number, offsetMs: number, { questionMs = 0, answerMs = 0 }): Promise<void> {
    const sentMs = this.clock.nowMs();
    await this.clock.advance(questionMs);
    const clockUs = (this.clock.nowMs() + offsetMs) * 1_000;
    await this.clock.advance(answerMs);
    this.watch.observed(node, { clockUs }, sentMs, this.clock.nowMs());
  }
}

describe('who is blamed for a movement of clocks', () => {
  it('takes no word of nodes that it met only after the movement', async () => {
    const watched = new Watched();
    const { watch, told } = watched;
    await watched.measured([0, 1], 0);
    await watched.measured([2, 3, 4], 500);
    await watched.measured([0], 500);
    await watched.measured([2, 3, 4], 500);
    expect(told).to.deep.equal([]);
    await watched.measured([1], 500);
    expect(told).to.deep.equal(['suspected shift']);
    await watched.measured([0, 1, 2, 3], 500);
    expect(told).to.deep.equal(['suspected shift']);
    await watched.measured([0, 1, 2, 3], 500);
    expect(told).to.deep.equal(['suspected shift', 'trusted']);
    watch.close();
  });

  it('waits for those that can be asked, and not for those that are gone', async () => {
    const watched = new Watched();
    await watched.measured([0, 1, 2, 3, 4], 0);
    await watched.clock.advance(4_000);
    await watched.measured([0, 1, 2], 0);
    await watched.measured([0], 900);
    await watched.measured([1], 0);
    expect(watched.told, 'one of two that are there').to.deep.equal([]);
    await watched.measured([2], 0);
    expect(watched.told, 'two are gone').to.deep.equal(['moved 0']);
    watched.watch.close();
  });

  it('waits a second at most for the rest, once a quorum has been heard', async () => {
    const watched = new Watched();
    await watched.measured([0, 1, 2, 3, 4], 0);
    await watched.measured([0, 1], 900);
    await watched.measured([2], 0);
    await watched.clock.advance(900);
    expect(watched.watch.suspects(0)).to.equal(true);
    await watched.clock.advance(200);
    expect(watched.watch.suspects(0)).to.equal(false);
    expect(watched.told).to.deep.equal(['suspected shift']);
    watched.watch.close();
  });

  it('comes to a verdict of what moved little at a time, though others that did not move are like it', async () => {
    const watched = new Watched();
    const { clock, told, watch } = watched;
    await watched.measured([0, 1, 2, 3, 4], 0);
    await watched.measured([1], 95);
    await watched.measured([1], 104);
    expect(watch.suspects(1)).to.equal(true);
    for (let count = 0; count < 12; count += 1) {
      await watched.measured([0, 2, 3, 4], 0);
      await watched.measured([1], 104);
      await clock.advance(100);
    }
    expect(told).to.deep.equal(['moved 1']);
    expect(watch.suspects(1)).to.equal(false);
    watch.close();
  });

  it('blames nobody for a movement of which slow answers show a part at first, and all of it later', async () => {
    const watched = new Watched();
    const { told } = watched;
    await watched.measured([0, 1, 2, 3, 4], 0);
    // The server slept for 205 ms. What is slow bounds an offset on one side alone.
    await watched.slowly(0, 205, { answerMs: 110 });
    await watched.slowly(0, 205, { answerMs: 90 });
    expect(watched.watch.suspects(0)).to.equal(true);
    await watched.measured([1], 205);
    expect(told).to.deep.equal(['suspected shift']);
    await watched.measured([2, 3, 4], 205);
    for (let round = 0; round < 2; round += 1) await watched.measured([0, 1, 2, 3, 4], 205);
    expect(told).to.deep.equal(['suspected shift', 'trusted']);
    watched.watch.close();
  });

  it('blames nobody for a movement of which all but one node show so much that they did not stand still', async () => {
    const watched = new Watched();
    await watched.measured([0, 1, 2, 3, 4], 0);
    await watched.slowly(0, 130, { answerMs: 10 });
    for (const node of [1, 2, 3, 4]) await watched.slowly(node, 130, { answerMs: 40 });
    expect(watched.told).to.deep.equal(['suspected shift']);
    for (let round = 0; round < 2; round += 1) await watched.measured([0, 1, 2, 3, 4], 130);
    expect(watched.told).to.deep.equal(['suspected shift', 'trusted']);
    watched.watch.close();
  });

  it('blames nobody for what a server sleeps again and again, though nodes are heard between one time and the next', async () => {
    const watched = new Watched();
    await watched.measured([0, 1, 2, 3, 4], 0);
    await watched.measured([0], 205);
    await watched.measured([0], 505);
    await watched.measured([1, 2, 3, 4], 505);
    for (let round = 0; round < 2; round += 1) await watched.measured([0, 1, 2, 3, 4], 505);
    expect(watched.told).to.deep.equal(['suspected shift', 'trusted']);
    watched.watch.close();
  });

  it('blames nobody for what it has just blamed another for, while no node says that it was not the server', async () => {
    const watched = new Watched();
    await watched.measured([0, 1], 0);
    await watched.clock.advance(4_000);
    await watched.measured([0], 0);
    await watched.measured([0], 205);
    expect(watched.told, 'with nobody to compare it with').to.deep.equal(['moved 0']);
    await watched.measured([2, 3, 4], 205);
    await watched.measured([1], 205);
    expect(watched.told).to.deep.equal(['moved 0', 'suspected shift']);
    watched.watch.close();
  });

  it('takes no word of nodes that it met while an answer from before the movement was under way', async () => {
    const watched = new Watched();
    const { clock, watch, told } = watched;
    await watched.measured([0, 1], 0);
    const sentMs = clock.nowMs();
    await clock.advance(1);
    const wokenMs = clock.nowMs();
    watch.observed(0, { clockUs: (sentMs + 0.5) * 1_000 }, sentMs, wokenMs);
    await clock.advance(1);
    for (const node of [2, 3, 4]) {
      watch.observed(node, { clockUs: (wokenMs + 205.5) * 1_000 }, wokenMs, clock.nowMs());
    }
    await watched.measured([0], 205);
    await watched.measured([2, 3, 4], 205);
    await watched.measured([1], 205);
    expect(told).to.deep.equal(['suspected shift']);
    watch.close();
  });

  it('blames a node that moved while the server slept', async () => {
    const watched = new Watched();
    await watched.measured([0, 1, 2, 3, 4], 0);
    await watched.measured([1], 205);
    await watched.measured([0], 900);
    await watched.measured([2, 3, 4], 205);
    for (let round = 0; round < 2; round += 1) await watched.measured([1, 2, 3, 4], 205);
    expect(watched.told).to.deep.equal(['suspected shift', 'moved 0', 'trusted']);
    watched.watch.close();
  });

  it('blames nobody before a quorum has been heard: nodes come back one by one to a server that slept', async () => {
    const watched = new Watched();
    await watched.measured([0, 1, 2, 3, 4], 0);
    await watched.measured([0], 4_500);
    await watched.clock.advance(5_000);
    expect(watched.told).to.deep.equal([]);
    expect(watched.watch.suspects(0)).to.equal(true);
    await watched.measured([1], 4_500);
    await watched.clock.advance(5_000);
    expect(watched.told).to.deep.equal(['suspected shift']);
    await watched.measured([2], 4_500);
    await watched.clock.advance(1_000);
    for (let round = 0; round < 2; round += 1) await watched.measured([0, 1, 2, 3, 4], 4_500);
    expect(watched.told.at(-1)).to.equal('trusted');
    expect(watched.told.filter((each) => each.startsWith('moved'))).to.deep.equal([]);
    watched.watch.close();
  });

  it('blames nobody either after all nodes were out of reach for long', async () => {
    const watched = new Watched();
    await watched.measured([0, 1, 2, 3, 4], 0);
    await watched.clock.advance(10_000);
    for (const node of [0, 1, 2, 3, 4]) await watched.measured([node], 250);
    await watched.clock.advance(1_000);
    expect(watched.told).to.deep.equal(['suspected shift']);
    watched.watch.close();
  });

  it('blames a node that came back first and alone when the others say that it moved', async () => {
    const watched = new Watched();
    await watched.measured([0, 1, 2, 3, 4], 0);
    await watched.measured([0], 4_500);
    await watched.clock.advance(5_000);
    await watched.measured([1, 2], 0);
    await watched.clock.advance(1_000);
    expect(watched.told).to.deep.equal(['moved 0']);
    watched.watch.close();
  });
});
