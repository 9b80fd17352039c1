/** The picture of a code as the bytes of a JSON string, which transports join into their messages. */

import { ReusedBytes } from './reused-bytes.ts';

export class Picture {
  readonly #json = new ReusedBytes();

  /** @param url a data URL */
  constructor(url: string) {
    this.write(url);
  }

  /** With its quotes. It holds until the next `write`. */
  get json(): Buffer {
    return this.#json.bytes;
  }

  /** @param url a data URL, of the session's next code */
  write(url: string): void {
    this.#json.write(JSON.stringify(url));
  }

  /** The data URL. */
  toString(): string {
    return JSON.parse(this.#json.toString());
  }
}
