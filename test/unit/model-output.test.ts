import { expect } from 'chai';
import { readOutput } from '../model/pan.js';

describe('what a search of the model prints', () => {
  const END = `
State-vector 44 byte, depth reached 43, errors: 0
  1279315 states, stored
  370.140\ttotal actual memory usage

pan: elapsed time 4.47 seconds
`;

  it('is read: states, depth, errors, time and memory', () => {
    expect(readOutput(END)).to.deep.equal({
      states: 1_279_315,
      depth: 43,
      errors: 0,
      exhaustive: true,
      seconds: 4.47,
      megabytes: 370,
    });
  });

  it('is not exhaustive when the search was cut short, found something or did not come to its end', () => {
    for (const reason of [
      'error: max search depth too small',
      'Warning: Search not completed',
      'pan: reached -DMEMLIM bound',
      'Interrupted',
    ]) {
      expect(readOutput(`${reason}\n${END}`).exhaustive, reason).to.equal(false);
    }
    expect(readOutput(END.replace('errors: 0', 'errors: 1')).exhaustive).to.equal(false);
    expect(readOutput('').exhaustive).to.equal(false);
  });
});
