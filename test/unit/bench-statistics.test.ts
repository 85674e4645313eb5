import { expect } from 'chai';
import { advantage, median, rounded } from '../bench/statistics.js';
import { total } from '../bench/systems/prometheus-text.js';

describe('the benchmark’s arithmetic', () => {
  it('takes the middle of the rounds', () => {
    expect(median([9, 1, 5])).to.equal(5);
    expect(median([4, 1, 10, 2])).to.equal(3);
    expect(() => median([])).to.throw(RangeError);
  });

  it('keeps three digits, or all before the point', () => {
    expect([0.123_456, 12.345, 999.4, 1_000.6, 123_456.7].map(rounded)).to.deep.equal([
      0.123, 12.3, 999, 1_001, 123_457,
    ]);
  });

  it('says how many times better ours is, in the direction that is better', () => {
    expect(advantage(30, 10, 'higher')).to.equal(3);
    expect(advantage(10, 30, 'lower')).to.equal(3);
    expect(advantage(30, 10, 'lower')).to.be.closeTo(1 / 3, 1e-9);
    expect(() => advantage(1, 0, 'higher')).to.throw(RangeError);
    expect(() => advantage(0, 0, 'lower')).to.throw(RangeError);
  });

  it('adds up the series of a metric that carry a label', () => {
    const text = [
      '# HELP frames_total Frames.',
      'frames_total{direction="in"} 7',
      'frames_total{direction="out",store="a"} 1',
      'frames_total{direction="out",store="b"} 2.5',
      'frames_total_seconds 100',
      'plain 4 1700000000000',
    ].join('\n');
    expect(total(text, 'frames_total', { direction: 'out' })).to.equal(3.5);
    expect(total(text, 'frames_total')).to.equal(10.5);
    expect(total(text, 'plain')).to.equal(4);
    expect(total(text, 'absent')).to.equal(0);
  });
});
