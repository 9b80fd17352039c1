/** For tests: searches a text for secrets, in every encoding that they may have there. */

export interface LeakHunt {
  /** Adds a secret to search for. Bytes are searched for as base64 and as hex. */
  add(name: string, secret: string | Uint8Array): void;
  /** @returns the secrets in the text with their encodings, except those that `may` be there */
  find(text: string, may?: (name: string) => boolean): string[];
}

/**
 * Longer secrets are searched for in pieces of so many characters, so that a part of one is found,
 * too.
 */
const PIECE_LENGTH = 32;

export function createLeakHunt(): LeakHunt {
  const needles = new Map<string, { readonly form: string; readonly text: string }[]>();
  return {
    add(name, secret) {
      const all = typeof secret === 'string' ? piecesOf(secret).flatMap(formsOf) : encodingsOf(secret);
      // Most pieces are the same in several encodings. The first one is reported.
      needles.set(name, [...new Map(all.toReversed().map((needle) => [needle.text, needle])).values()]);
    },
    find(text, may = () => false) {
      const lower = text.toLowerCase();
      return [...needles].flatMap(([name, all]) => {
        if (may(name)) return [];
        const found = all.filter((needle) => (needle.form === 'hex' ? lower : text).includes(needle.text));
        return [...new Set(found.map(({ form }) => `${name} (${form})`))];
      });
    },
  };
}

function piecesOf(secret: string): string[] {
  const middle = Math.floor((secret.length - PIECE_LENGTH) / 2);
  const pieces = secret.length < 2 * PIECE_LENGTH ? [secret] : [secret.slice(middle, middle + PIECE_LENGTH), secret.slice(-PIECE_LENGTH)];
  // Characters that no escaping changes: neither of JSON, nor of a shell, nor of HTML.
  const plain = (secret.match(/[\w-]{16,}/g) ?? []).filter((run) => run.length < 2 * PIECE_LENGTH);
  return [...new Set([...pieces, ...plain])];
}

function formsOf(text: string): { form: string; text: string }[] {
  return [
    { form: 'clear', text },
    { form: 'JSON', text: JSON.stringify(text).slice(1, -1) },
    { form: 'URL', text: encodeURIComponent(text) },
    { form: 'URL', text: new URLSearchParams([['', text]]).toString().slice(1) },
    ...encodingsOf(Buffer.from(text)),
  ];
}

/**
 * In a longer base64 text, a secret can begin at three offsets. Its first and last characters also
 * encode neighbouring bytes.
 */
function encodingsOf(bytes: Uint8Array): { form: string; text: string }[] {
  const encoded = [0, 1, 2].flatMap((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes, Buffer.alloc((3 - ((before + bytes.length) % 3)) % 3)]);
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor(((before + bytes.length) * 8) / 6);
    return (['base64', 'base64url'] as const).map((form) => ({ form, text: whole.toString(form).slice(from, to) }));
  });
  return [...encoded, { form: 'hex', text: Buffer.from(bytes).toString('hex') }];
}
