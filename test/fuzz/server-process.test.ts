import { ProcessFuzz } from './process-fuzz.js';

const SEED = 1;

describe('fuzzing a server process', () => {
  it('leaves it as it was, and in service [H7]', async () => {
    const fuzz = await ProcessFuzz.start();
    try {
      await fuzz.batch(SEED, { connections: 20, sequences: 4 });
      await fuzz.commandLine(SEED);
    } finally {
      await fuzz.stop();
    }
  }).timeout(90_000);
});
