/**
 * Joins the codes that a provider gave with the ones that viewers were shown. Each side notes its
 * own, in its own process. A code is known by a part of its picture.
 */

/** Both times are by `monotonicMs`. `answeredMs` is just before the provider ended its response. */
export type AnsweredCode = readonly [instance: number, key: string, bornMs: number, answeredMs: number];
/** `atMs` is by `monotonicMs`. */
export type SeenCode = readonly [instance: number, key: string, atMs: number];

/** Pictures of one size begin with the same characters: the header of a PNG. */
const KEY_FROM = 80;
/** So much of a picture, in base64, holds its key. */
export const KEY_TO = 104;

/** @param picture bare base64, or as much of its beginning as holds the key */
export function keyOf(picture: string): string {
  return picture.slice(KEY_FROM, KEY_TO);
}

export interface CodeLatencies {
  /** Milliseconds from the provider's answer to the viewer. */
  readonly fromAnswer: readonly number[];
  /** Milliseconds from the birth of the code to the viewer. */
  readonly fromBirth: readonly number[];
  readonly unseen: number;
}

/** A code that is shown a second time counts once, at the first time. */
export function codeLatencies(answered: readonly AnsweredCode[], seen: readonly SeenCode[]): CodeLatencies {
  const seenAt = new Map<string, number>();
  for (const [instance, key, atMs] of seen) {
    const id = `${instance}:${key}`;
    if (!seenAt.has(id)) seenAt.set(id, atMs);
  }
  const found = answered.flatMap(([instance, key, bornMs, answeredMs]) => {
    const atMs = seenAt.get(`${instance}:${key}`);
    return atMs === undefined ? [] : [{ fromAnswer: atMs - answeredMs, fromBirth: atMs - bornMs }];
  });
  return {
    fromAnswer: found.map(({ fromAnswer }) => fromAnswer),
    fromBirth: found.map(({ fromBirth }) => fromBirth),
    unseen: answered.length - found.length,
  };
}
