/**
 * A fault on our side of a call to the provider. What the provider does is an outcome, not an
 * error. It has no `cause` on purpose, because the underlying errors may contain the URL, and the
 * URL contains the token.
 */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';
  readonly code: 'provider_closed' | 'credentials_invalid';

  constructor(code: ProviderError['code'], message: string) {
    super(message);
    this.code = code;
  }
}
