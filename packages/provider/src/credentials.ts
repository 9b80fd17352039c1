import { defaultApiUrl, parseApiUrl } from './upstream.ts';

/** What the provider wants to know who is asking. Holds a secret: never log it, never put it into an error. */
export interface Credentials {
  /** The provider's `idInstance`, as a string of digits. */
  readonly instanceId: string;
  /** The provider's `apiTokenInstance`. It never expires, and whoever has it owns the instance. */
  readonly apiToken: string;
  /** An origin as `parseApiUrl` returns it: `https://1101.api.green-api.com`. */
  readonly apiUrl: string;
}

/** The first four digits name the host, hence at least four. Ten digits in the provider's docs, twelve in the wild. */
export const INSTANCE_ID_PATTERN = /^\d{4,20}$/;

/** No dots, slashes or percent signs: the token is a path segment. */
export const API_TOKEN_PATTERN = /^[A-Za-z0-9_-]{8,256}$/;

/** Normalises what a person or a backend hands in; without `apiUrl` the instance's usual host. Null if a part is not plausible. */
export function parseCredentials(input: { instanceId: string; apiToken: string; apiUrl?: string | undefined }): Credentials | null {
  const { instanceId, apiToken } = input;
  if (!INSTANCE_ID_PATTERN.test(instanceId) || !API_TOKEN_PATTERN.test(apiToken)) return null;
  const apiUrl = input.apiUrl === undefined ? defaultApiUrl(instanceId) : parseApiUrl(input.apiUrl);
  return apiUrl === null ? null : { instanceId, apiToken, apiUrl };
}
