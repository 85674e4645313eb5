import { isDeepStrictEqual } from 'node:util';
import type { Answer, Keys } from './conformance-steps.js';

const TOLERANCE_MS = 50;

/** What sets two answers apart; `undefined`: nothing. */
export function answerDifference(model: Answer, real: Answer): string | undefined {
  const left = comparable(model);
  const right = comparable(real);
  return near(left, right) ? undefined : `the model answers ${text(left)}, the real Redis ${text(right)}`;
}

/** What sets apart what two nodes keep. */
export function keysDifference(model: Keys, real: Keys): string | undefined {
  for (const name of new Set([...model.keys(), ...real.keys()])) {
    const left = model.get(name);
    const right = real.get(name);
    if (
      near(
        left && { value: left.value, expiresInMs: left.leftMs },
        right && { value: right.value, expiresInMs: right.leftMs },
      )
    ) {
      continue;
    }
    return `the model keeps ${text(left)} under ${text(name)}, the real Redis ${text(right)}`;
  }
  return undefined;
}

/** Which words an error has is not compared, nor which examples a census gives. */
function comparable(answer: Answer): unknown {
  return JSON.parse(
    JSON.stringify(answer ?? null, (name, value) => {
      if (name === 'message') return undefined;
      return name === 'found' ? value.length : value;
    }),
  );
}

/** Equal, but for what is left of a time. */
function near(left: unknown, right: unknown, name = ''): boolean {
  if (name === 'expiresInMs' && typeof left === 'number' && typeof right === 'number') {
    return left === right || (left !== -1 && right !== -1 && Math.abs(left - right) <= TOLERANCE_MS);
  }
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) {
    return isDeepStrictEqual(left, right);
  }
  const a = left as Readonly<Record<string, unknown>>;
  const b = right as Readonly<Record<string, unknown>>;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Array.isArray(left) === Array.isArray(right) && [...names].every((key) => near(a[key], b[key], key));
}

export function text(what: unknown): string {
  return what === undefined ? 'nothing' : JSON.stringify(what).replaceAll('\\u0000', '·');
}
