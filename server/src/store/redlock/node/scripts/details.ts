import type { EntryFault } from '../../coordinator/redis-node.js';

/** The details of a reply, read in order. */
export class Details {
  #next: number;

  constructor(
    private readonly reply: readonly unknown[],
    from: number,
  ) {
    this.#next = from;
  }

  /** Throws where the script has said less than it should have. */
  text(): string {
    const detail = this.reply[this.#next];
    this.#next += 1;
    if (typeof detail === 'string') return detail;
    if (typeof detail === 'number') return String(detail);
    throw new TypeError('a detail is missing in the reply');
  }

  number(): number {
    const text = this.text();
    const number = Number(text);
    if (text === '' || !Number.isSafeInteger(number)) throw new TypeError('a detail in the reply is not a number');
    return number;
  }

  /** A number, or nothing. */
  numberIfAny(): number | undefined {
    const text = this.text();
    return text === '' ? undefined : Number(text);
  }

  rest(): readonly string[] {
    const texts: string[] = [];
    while (this.#next < this.reply.length) texts.push(this.text());
    return texts;
  }
}

const FAULT_CODES: Readonly<Record<string, EntryFault['code']>> = { W: 'wrong_type', O: 'out_of_memory', E: 'error' };

/** The letters that all scripts share. */
export function entryFault(letter: string, details: Details): EntryFault {
  const code = FAULT_CODES[letter];
  if (code === undefined) throw new TypeError(`no script answers "${letter}"`);
  return { kind: 'fault', code, message: details.text() };
}
