/**
 * Identifies an instance to the provider. Contains a secret: never log it, and never put it into an
 * error.
 */
export interface Credentials {
  /** The provider's `idInstance`, as a string of digits. */
  readonly instanceId: string;
  /** The provider's `apiTokenInstance`. It never expires, and whoever has it owns the instance. */
  readonly apiToken: string;
  /** An origin as `parseApiUrl` returns it: `https://1101.api.green-api.com`. */
  readonly apiUrl: string;
}
