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

  write(...parts: readonly (string | Buffer)[]): void {
    let length = 0;
    for (const part of parts) length += typeof part === 'string' ? Buffer.byteLength(part) : part.length;
    if (this.#memory.length < length) this.#memory = Buffer.allocUnsafeSlow(Math.ceil(length / STEP) * STEP);
    let at = 0;
    for (const part of parts) at += typeof part === 'string' ? this.#memory.write(part, at) : part.copy(this.#memory, at);
    if (this.#bytes.length !== length || this.#bytes.buffer !== this.#memory.buffer) this.#bytes = this.#memory.subarray(0, length);
  }

  toString(): string {
    return this.#bytes.toString();
  }
}

const NONE = Buffer.alloc(0);
/** The next text may be a little longer. */
const STEP = 1_024;
