/**
 * A mistake of the caller (a test, the control API). `code` is stable. The message says what to do
 * and contains no secret.
 */

export type SimulatorErrorCode = 'invalid_option' | 'unknown_instance' | 'duplicate_instance' | 'unknown_fault' | 'no_code' | 'closed';

export class SimulatorError extends Error {
  override readonly name = 'SimulatorError';
  readonly code: SimulatorErrorCode;

  constructor(code: SimulatorErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
