/** A string literal in a source text. */
export interface Literal {
  /** Where its opening quote is. */
  readonly start: number;
  readonly value: string;
}

/** A source text with comments and the insides of strings, templates and regular expressions blanked out. */
export interface SourceText {
  /** As long as the original, with line breaks where they were: offsets and line numbers fit both. */
  readonly code: string;
  readonly literals: readonly Literal[];
}

const REGEX_MAY_FOLLOW =
  /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|delete|void|throw|new|await|yield))$/;

/** Takes TypeScript apart as far as rules about imports and identifiers need. */
export function scanSource(original: string): SourceText {
  return new Scanner(original).scan();
}

export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

class Scanner {
  readonly #literals: Literal[] = [];
  readonly #text: string;
  #code = '';
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  scan(): SourceText {
    this.#scanCode(false);
    return { code: this.#code, literals: this.#literals };
  }

  /** Code up to the end, or up to the brace that closes a template's substitution. */
  #scanCode(inTemplate: boolean): void {
    for (let depth = 0; this.#at < this.#text.length; ) {
      if (this.#scanOther()) continue;
      const character = this.#text[this.#at];
      if (inTemplate && character === '}' && depth === 0) return;
      if (character === '{') depth += 1;
      if (character === '}') depth -= 1;
      this.#keep(1);
    }
  }

  /** Takes a comment, string, template or regular expression, if there is one here. */
  #scanOther(): boolean {
    const before = this.#at;
    const character = this.#text[before];
    if (this.#looksAt('//')) this.#blank(this.#endOf('\n', 0));
    else if (this.#looksAt('/*')) this.#blank(this.#endOf('*/', 2));
    else if (character === "'" || character === '"') this.#scanString(character);
    else if (character === '`') this.#scanTemplate();
    else if (character === '/' && REGEX_MAY_FOLLOW.test(this.#code.trimEnd())) this.#scanRegex();
    return this.#at > before;
  }

  #scanString(quote: string): void {
    const start = this.#at;
    let end = start + 1;
    while (end < this.#text.length && this.#text[end] !== quote) end += this.#text[end] === '\\' ? 2 : 1;
    this.#literals.push({ start, value: this.#text.slice(start + 1, end) });
    this.#keep(1);
    this.#blank(end);
    this.#keep(1);
  }

  #scanTemplate(): void {
    const start = this.#at;
    let plain = true;
    this.#keep(1);
    while (this.#at < this.#text.length && this.#text[this.#at] !== '`') {
      if (this.#looksAt('${')) {
        plain = false;
        this.#keep(2);
        this.#scanCode(true);
        this.#keep(1);
      } else this.#blank(this.#at + (this.#text[this.#at] === '\\' ? 2 : 1));
    }
    if (plain) this.#literals.push({ start, value: this.#text.slice(start + 1, this.#at) });
    this.#keep(1);
  }

  #scanRegex(): void {
    let end = this.#at + 1;
    for (let inClass = false; end < this.#text.length; end += 1) {
      const character = this.#text[end];
      if (character === '\\') end += 1;
      else if (character === '[') inClass = true;
      else if (character === ']') inClass = false;
      else if (character === '\n' || (character === '/' && !inClass)) break;
    }
    this.#keep(1);
    this.#blank(end);
    this.#keep(1);
  }

  #looksAt(what: string): boolean {
    return this.#text.startsWith(what, this.#at);
  }

  /** Where `what` ends next, or the text; it begins `skip` characters from here at the earliest. */
  #endOf(what: string, skip: number): number {
    const found = this.#text.indexOf(what, this.#at + skip);
    return found === -1 ? this.#text.length : found + what.length;
  }

  #keep(length: number): void {
    this.#code += this.#text.slice(this.#at, this.#at + length);
    this.#at += length;
  }

  #blank(end: number): void {
    this.#code += this.#text.slice(this.#at, end).replace(/[^\n]/g, ' ');
    this.#at = end;
  }
}
