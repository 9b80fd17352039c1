/**
 * A fault on our side of a call to the provider; what the provider does is never an error but an outcome. Carries no cause on purpose:
 * the errors underneath may hold the URL, and the URL holds the token.
 */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';
  readonly code: 'provider_closed' | 'credentials_invalid';

  constructor(code: ProviderError['code'], message: string) {
    super(message);
    this.code = code;
  }
}
