/**
 * The picture of a code as the bytes of a JSON string, outside of the heap of JavaScript. Each watched
 * session keeps one of 3 to 7 kB until its next code, some seconds later. As strings, the garbage
 * collector copied them again and again: that was a quarter of a gateway's work.
 */
export class Picture {
  /** With its quotes. Never changed. */
  readonly json: Buffer;

  /** @param url a data URL */
  constructor(url: string) {
    const json = JSON.stringify(url);
    this.json = Buffer.allocUnsafeSlow(Buffer.byteLength(json)); // of its own memory, because it is kept for long
    this.json.write(json);
  }

  /** The data URL. */
  toString(): string {
    return JSON.parse(this.json.toString());
  }
}
