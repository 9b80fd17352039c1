/** Which words of an `Authorization` header may be a webhook token. */

/**
 * The provider's scheme word is not settled: the whole header or its second word may be the token. The same holds for its setting
 * `webhookUrlToken`, where people write `Bearer …`, too.
 */
export function tokensIn(authorization: string | undefined): string[] {
  const header = (authorization ?? '').trim();
  const [, second] = header.split(/\s+/);
  return second === undefined ? [header] : [header, second];
}
