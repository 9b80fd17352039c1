/** The picture of a code as the bytes of a JSON string, which transports join into their messages. */

import { ReusedBytes } from './reused-bytes.ts';

export class Picture {
  readonly #json = new ReusedBytes();

  constructor(url: string | Buffer) {
    this.write(url);
  }

  /** With its quotes. It holds until the next `write`. */
  get json(): Buffer {
    return this.#json.bytes;
  }

  /** @param url a data URL, of the session's next code. As bytes it is one of base64, which needs no escapes. */
  write(url: string | Buffer): void {
    if (typeof url === 'string') this.#json.write(JSON.stringify(url));
    else this.#json.write('"', url, '"');
  }

  /** The data URL. */
  toString(): string {
    return JSON.parse(this.#json.toString());
  }
}
