import { type ClientFrame, SessionRequest } from '@holdfast/protocol';
import { SeededRandom } from '../simulation/seeded-random.js';
import { FuzzClient } from './fuzz-client.js';
import { playInProcess } from './in-process-run.js';
import { mangled } from './mangle.js';
import { playMessage } from './messages-run.js';
import { randomSettings, type Written } from './random-settings.js';
import { randomSteps, type StepChoices } from './random-steps.js';
import { playSettings } from './settings-run.js';
import { shortened } from './shorten.js';
import type { Step } from './steps.js';

/** An input that the server did not take as it should: what is kept in `corpus`, and played again with every run of the suite. */
export type Input =
  | { readonly target: 'sessions'; readonly steps: readonly Step[] }
  | { readonly target: 'messages'; readonly hex: string }
  | ({ readonly target: 'settings' } & Written);

export type TargetName = Input['target'];

/** How much of the time each gets, besides what a case costs: sessions have the most to say. */
export const IN_PROCESS: readonly TargetName[] = ['sessions', 'sessions', 'sessions', 'messages', 'settings'];

const CALM: StepChoices = { mangled: 0, longestMs: 20_000, storeTroubles: true };
const MANGLED: StepChoices = { mangled: 0.3, longestMs: 20_000, storeTroubles: false };

/** The input that belongs to a seed. */
export function inputOf(target: TargetName, seed: number): Input {
  switch (target) {
    case 'sessions':
      return { target, steps: randomSteps(seed, seed % 4 === 0 ? MANGLED : CALM) };
    case 'messages':
      return { target, hex: messageOf(seed).toString('hex') };
    case 'settings':
      return { target, ...randomSettings(new SeededRandom(seed)) };
  }
}

/** Throws where the server does what it may not. */
export function play(input: Input, note?: (line: string) => void): void {
  switch (input.target) {
    case 'sessions':
      playInProcess(input.steps, note);
      return;
    case 'messages':
      playMessage(Buffer.from(input.hex, 'hex'));
      return;
    case 'settings':
      playSettings(input);
      return;
  }
}

/** What an input leads to, in one line; `undefined` where all is well. */
export function faultOf(input: Input): string | undefined {
  try {
    play(input);
    return undefined;
  } catch (error) {
    return String(error).split('\n', 1).join('');
  }
}

/** A shorter input that leads to a fault of the same kind. */
export function smaller(input: Input, fault: string): Input {
  if (input.target !== 'sessions') return input;
  const kind = kindOf(fault);
  const fails = (steps: readonly Step[]): boolean => kindOf(faultOf({ ...input, steps }) ?? '') === kind;
  return { ...input, steps: shortened(input.steps, fails) };
}

function kindOf(fault: string): string {
  return fault.replace(/\d+/g, 'N');
}

/** Messages of a valid session with their bytes changed: at first nothing, then more and more. */
function messageOf(seed: number): Buffer {
  const client = new FuzzClient('c00000000000', 'r');
  const messages: Uint8Array[] = [];
  let message: Buffer = Buffer.alloc(0);
  for (const step of randomSteps(seed, { ...MANGLED, mangled: 1 })) {
    if (step.do !== 'open' && step.do !== 'say') continue;
    const said = step.frames.map((frame) => client.frame(frame));
    const frames: ClientFrame[] = step.do === 'open' ? [client.open(step.id, step), ...said] : said;
    const bytes = SessionRequest.encode({ frames }).finish();
    messages.push(bytes);
    message = mangled(bytes, step.do === 'say' ? (step.edits ?? []) : [], messages);
  }
  return message;
}
