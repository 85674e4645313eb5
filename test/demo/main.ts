/**
 * Leases at work: grants, queues, extensions, a dead worker, a dead server, a paused worker, dead nodes. Everything runs in
 * processes of its own on free ports. Exits with 0 only if all of it went as told.
 */
import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { Narrator } from './narrator.js';
import { Stage, type StageOptions } from './stage.js';
import { Story } from './story.js';

const colours = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
const narrator = new Narrator((line) => process.stdout.write(line), colours);

/** `--no-token-check` plays the one chapter in which the check decides, without it: that must fail. */
function options(): StageOptions {
  const problem = (what: string): never => {
    process.stderr.write(`demo: ${what} The options are --store embedded, --store redlock and --no-token-check.\n`);
    return process.exit(64);
  };
  try {
    const { values } = parseArgs({
      options: {
        'no-token-check': { type: 'boolean', default: false },
        store: { type: 'string', default: 'embedded' },
      },
    });
    const { store } = values;
    if (store !== 'embedded' && store !== 'redlock') return problem(`There is no store ${JSON.stringify(store)}.`);
    return { store, resourceArgs: values['no-token-check'] ? ['--no-token-check'] : [] };
  } catch (error) {
    return problem((error as Error).message);
  }
}

async function play(chosen: StageOptions): Promise<void> {
  narrator.chapter('Holdfast: workers contend for a resource that checks fencing tokens');
  const stage = await Stage.set(chosen);
  try {
    const { redis, server } = stage;
    if (redis !== undefined) {
      const nodes = redis.nodes.map(({ id, pid }) => `${id} (${pid})`).join(', ');
      narrator.tell('redis', `${redis.nodes.length} independent processes, declared a new cluster: ${nodes}`);
    }
    narrator.tell('server', `ready at ${server.address}, pid ${server.pid}`);
    const checks = chosen.resourceArgs.length === 0;
    narrator.tell('resource', checks ? 'refuses tokens below the highest it has seen' : 'checks no tokens');
    const story = new Story(stage, narrator);
    if (checks) await story.tell();
    else await story.tellOfPause();
  } finally {
    await stage.strike();
  }
}

// Ends of this process, however they come, take the others along: see `actor.ts` and the server's support.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => process.exit(128 + constants.signals[signal]));
}

try {
  await play(options());
  narrator.chapter(`All ${narrator.claims} claims held. Nothing is left running.`);
} catch (error) {
  const { name, message } = error as Error;
  narrator.chapter(name === 'ClaimFailed' ? `Not so: ${message}` : `The demo failed: ${message}`);
  // Not by itself: a process whose start was under way may still be there, and ends with this one.
  process.exit(1);
}
