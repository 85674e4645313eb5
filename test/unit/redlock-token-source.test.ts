import { expect } from 'chai';
import { TokenSource } from '../../server/src/store/redlock/coordinator/token-source.js';

const NOON_US = 1_790_000_000_000_000;
const HOUR_US = 3_600_000_000;
const WINDOW_MS = 600;
const WINDOW_US = WINDOW_MS * 1_000;

describe('Tokens proposed to nodes', () => {
  it('are the nodes’ time, and rise where that stands still or is a little behind', () => {
    const tokens = new TokenSource(WINDOW_MS);
    expect(tokens.next(NOON_US)).to.equal(NOON_US);
    expect(tokens.next(NOON_US)).to.equal(NOON_US + 1);
    expect(tokens.next(NOON_US - WINDOW_US)).to.equal(NOON_US + 2);
  });

  it('are the nodes’ time again when most of the clocks were ahead for a while', () => {
    const tokens = new TokenSource(WINDOW_MS);
    tokens.next(NOON_US);
    expect(tokens.next(NOON_US + HOUR_US)).to.equal(NOON_US + HOUR_US);
    expect(tokens.next(NOON_US + 1_000)).to.equal(NOON_US + 1_000);
    expect(tokens.next(NOON_US + 1_000)).to.equal(NOON_US + 1_001);
  });

  it('are never the same twice, however many are wanted at once, and however the time is measured', () => {
    const tokens = new TokenSource(1);
    // Some are beyond the window of most nodes, but not of one whose clock is ahead.
    const proposed = Array.from({ length: 1_400 }, (_, index) => tokens.next(NOON_US - (index % 900)));
    expect(new Set(proposed).size).to.equal(proposed.length);
  });

  it('go above a ballot once, and are not led astray by one that no clock explains (E6)', () => {
    const tokens = new TokenSource(WINDOW_MS);
    expect(tokens.next(NOON_US, NOON_US + 50)).to.equal(NOON_US + 51);
    expect(tokens.next(NOON_US, NOON_US + HOUR_US)).to.equal(NOON_US + HOUR_US + 1);
    expect(tokens.next(NOON_US)).to.equal(NOON_US + 52);
  });
});
