/**
 * Text that is overwritten again and again, as bytes outside of the heap. Each watched session keeps
 * a few kB until its next change, some seconds later. As strings and objects, the garbage collector
 * copied them again and again; in new memory for each change, it ran for their sake.
 */
export class ReusedBytes {
  #memory = NONE;
  #bytes = NONE;

  /** In UTF-8. They hold until the next `write`. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  write(text: string): void {
    const length = Buffer.byteLength(text);
    if (this.#memory.length < length) this.#memory = Buffer.allocUnsafeSlow(Math.ceil(length / STEP) * STEP);
    this.#memory.write(text);
    if (this.#bytes.length !== length || this.#bytes.buffer !== this.#memory.buffer) this.#bytes = this.#memory.subarray(0, length);
  }

  toString(): string {
    return this.#bytes.toString();
  }
}

const NONE = Buffer.alloc(0);
/** The next text may be a little longer. */
const STEP = 1_024;
