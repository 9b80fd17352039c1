/** Which words of an `Authorization` header may be a webhook token. */

/**
 * The provider does not always send the same scheme word, or any. So the token may be the whole
 * header or its second word. The same holds for its setting `webhookUrlToken`, where people also
 * write `Bearer …`.
 */
export function tokensIn(authorization: string | undefined): string[] {
  const header = (authorization ?? '').trim();
  const [, second] = header.split(/\s+/);
  return second === undefined ? [header] : [header, second];
}
