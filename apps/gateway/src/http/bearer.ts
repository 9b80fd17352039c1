/**
 * Tells what an `Authorization` header carries from its form alone: nothing is looked up, and no
 * credential is checked.
 */

/** The credential after the word `Bearer`; null if the header has another form. */
export function bearerOf(authorization: string | undefined): string | null {
  return /^Bearer ([^\s]{1,4096})$/i.exec(authorization ?? '')?.[1] ?? null;
}

/** Whether the header carries a tenant's API key, valid or not. */
export function isApiKey(authorization: string | undefined): boolean {
  return bearerOf(authorization)?.startsWith('qk_') === true;
}

/** The kind of credential that the tenant API sees in the header; null if there is none. */
export function credentialIn(authorization: string | undefined): 'api_key' | 'ticket' | null {
  if (bearerOf(authorization) === null) return null;
  return isApiKey(authorization) ? 'api_key' : 'ticket';
}
