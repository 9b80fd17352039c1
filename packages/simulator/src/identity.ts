/**
 * Derives ids, tokens and links from the seed, so that a run can be repeated. The secrets are made
 * up and valid only here.
 */
import { createHash } from 'node:crypto';

/** The shard of the MAX messenger. The first four digits of an id name the host that serves it. */
const ID_PREFIX = '3100';
const ID_COUNTER_DIGITS = 8;
const TOKEN_HEX_DIGITS = 50;
const PHONE_TAIL_DIGITS = 7;

/** 12 digits, like the provider's ids since 2026-07. `ordinal` counts from 1. */
export function instanceId(ordinal: number): string {
  return ID_PREFIX + String(ordinal).padStart(ID_COUNTER_DIGITS, '0');
}

/** 50 hexadecimal digits. */
export function apiToken(seed: string, idInstance: string): string {
  return digest(seed, 'token', idInstance).slice(0, TOKEN_HEX_DIGITS);
}

/** A phone number in a range that is never assigned: digits only, without a plus. */
export function phoneOf(idInstance: string): string {
  return `7999${idInstance.slice(-PHONE_TAIL_DIGITS).padStart(PHONE_TAIL_DIGITS, '0')}`;
}

/**
 * The content of a MAX code: a link with a version 4 UUID, another one for every `owner` and
 * `turn`.
 */
export function codeLink(seed: string, owner: string, turn: number): string {
  const hex = digest(seed, 'code', owner, String(turn));
  const uuid = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  return `https://max.ru/:auth/${uuid}`;
}

function digest(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex');
}
