/**
 * The picture of a code as the bytes of a JSON string, which transports join into their messages.
 *
 * Each watched session keeps one of 3 to 7 kB until its next code, some seconds later. As strings,
 * the garbage collector copied them again and again; in new memory for each code, it ran for their
 * sake. So a picture is written into the memory of the one before.
 */
export class Picture {
  /** With its quotes. It holds until a later picture is made of this one. */
  readonly json: Buffer;
  readonly #memory: Buffer;

  /**
   * @param url a data URL
   * @param former nobody reads it any more
   */
  constructor(url: string, former: Picture | null = null) {
    const json = JSON.stringify(url);
    const length = Buffer.byteLength(json);
    const isRoom = former !== null && former.#memory.length >= length;
    this.#memory = isRoom ? former.#memory : Buffer.allocUnsafeSlow(Math.ceil(length / STEP) * STEP);
    this.#memory.write(json);
    this.json = this.#memory.subarray(0, length);
  }

  /** The data URL. */
  toString(): string {
    return JSON.parse(this.json.toString());
  }
}

/** The next picture may be a little larger. */
const STEP = 1_024;
