/** What a caller (a test, the control API) did wrong. `code` is stable; the message names the remedy and holds no secret. */

export type SimulatorErrorCode = 'invalid_option' | 'unknown_instance' | 'duplicate_instance' | 'unknown_fault' | 'no_code' | 'closed';

export class SimulatorError extends Error {
  override readonly name = 'SimulatorError';
  readonly code: SimulatorErrorCode;

  constructor(code: SimulatorErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
