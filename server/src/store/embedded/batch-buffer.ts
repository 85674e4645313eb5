/** Room for some 300 resources' keys and values, as many as a busy batch changes. */
const CHUNK_BYTES = 64 * 1_024;

/**
 * The bytes of one batch after another, in one piece of memory that is used again: two buffers for each change cost more
 * than filling them. What was taken is good until `reset`.
 */
export class BatchBuffer {
  /** Write here, from `used` on, after `reserve`. */
  bytes: Buffer;
  /** The same memory, for numbers. */
  view: DataView;
  #used = 0;

  constructor(bytes = CHUNK_BYTES) {
    this.bytes = Buffer.allocUnsafeSlow(bytes);
    this.view = new DataView(this.bytes.buffer);
  }

  get used(): number {
    return this.#used;
  }

  /** Forgets all that was taken. */
  reset(): void {
    this.#used = 0;
  }

  /** Makes room for so many bytes. What was taken before stays where it is. */
  reserve(bytes: number): void {
    if (this.#used + bytes <= this.bytes.length) return;
    this.bytes = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, bytes));
    this.view = new DataView(this.bytes.buffer);
    this.#used = 0;
  }

  /** Takes what was written from `used` up to `end`. */
  take(end: number): Buffer {
    if (end > this.bytes.length) throw new RangeError(`${end} bytes written where ${this.bytes.length} have room`);
    const taken = this.bytes.subarray(this.#used, end);
    this.#used = end;
    return taken;
  }

  /** Writes text in UTF-8; returns where it ends. Ids are short and ASCII: a call into Node for each takes four times as long. */
  writeText(start: number, text: string): number {
    const { bytes } = this;
    const { length } = text;
    for (let index = 0; index < length; index += 1) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) return start + bytes.write(text, start);
      bytes[start + index] = code;
    }
    return start + length;
  }
}

/** No UTF-16 unit takes more than three bytes in UTF-8. */
export function textBytesAtMost(text: string): number {
  return text.length * 3;
}
