import type { Outcome } from '@qrcast/core/outcome';
import type { Answer } from './answer.ts';
import { readAnswer, trouble } from './answer.ts';

/** `GET logout`: `{"isLogout"}`. */
export function interpretLogout(answer: Answer): Outcome {
  const reading = readAnswer(answer);
  if (reading.kind !== 'reading') return reading;
  switch (reading.fields?.['isLogout']) {
    case true:
      return { kind: 'loggedOut' };
    case false:
      return trouble('provider_refused');
    default:
      return trouble('provider_error');
  }
}
