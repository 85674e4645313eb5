import { expect } from 'chai';
import { backOffMs } from '../../server/src/core/back-off.js';
import { Bypass } from '../../server/src/core/bypass.js';
import { VirtualClock } from '../support/virtual-clock.js';

describe('hand-offs past another server', () => {
  let clock: VirtualClock;
  let bypass: Bypass;
  beforeEach(() => {
    clock = new VirtualClock();
    bypass = new Bypass(clock);
  });
  const handOff = (times: number, wanted = true): void => {
    for (let done = 0; done < times; done += 1) bypass.handedOff(wanted);
  };

  it('go on for ever while nobody else wants the resource', async () => {
    handOff(1_000, false);
    await clock.advance(10_000);
    expect(bypass.isOthersTurn).to.equal(false);
  });

  it('end after eight in a row', () => {
    handOff(7);
    expect(bypass.isOthersTurn).to.equal(false);
    handOff(1);
    expect(bypass.isOthersTurn).to.equal(true);
  });

  it('end 250 ms after the first', async () => {
    handOff(1);
    await clock.advance(200);
    handOff(1);
    await clock.advance(49);
    expect(bypass.isOthersTurn).to.equal(false);
    await clock.advance(1);
    expect(bypass.isOthersTurn).to.equal(true);
  });

  it('start again when nobody else wanted it in between', async () => {
    handOff(7);
    await clock.advance(249);
    handOff(1, false);
    handOff(7);
    expect(bypass.isOthersTurn).to.equal(false);
    await clock.advance(249);
    expect(bypass.isOthersTurn).to.equal(false);
  });

  it('give others 200 ms, and start again', async () => {
    handOff(8);
    bypass.stayOut();
    expect(bypass.staysOut).to.equal(true);
    expect(bypass.outUntilMs - clock.nowMs()).to.equal(200);
    await clock.advance(199);
    expect(bypass.isOthersTurn).to.equal(true);
    await clock.advance(1);
    expect(bypass.staysOut).to.equal(false);
    handOff(7);
    expect(bypass.isOthersTurn).to.equal(false);
  });
});

describe('the pause after a refusal', () => {
  it('doubles from 5 ms to 200 ms, less up to a half', () => {
    const longest = [1, 2, 3, 4, 5, 6, 7, 8, 1_000, 1e9].map((refusals) => backOffMs(refusals, 0));
    expect(longest).to.deep.equal([5, 10, 20, 40, 80, 160, 200, 200, 200, 200]);
    expect(backOffMs(1, 1)).to.equal(2.5);
    expect(backOffMs(7, 0.5)).to.equal(150);
  });
});
