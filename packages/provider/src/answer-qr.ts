import type { Outcome } from '@qrcast/core/outcome';
import type { Answer } from './answer.ts';
import { readAnswer, trouble } from './answer.ts';
import { parsePicture } from './picture.ts';

/** The `error` messages with a meaning of their own. Every other one is a refusal. */
const ERROR_MESSAGES: ReadonlyMap<string, Outcome> = new Map([
  ['timeout', trouble('provider_timeout')],
  ['not_ready', trouble('provider_not_ready')],
  ['connection_closed', trouble('provider_refused')],
]);

/**
 * `GET qr`: `{"type","message"}`. The documentation has two spellings of "linked" and does not
 * mention "password wanted". Both have been seen in two spellings.
 * https://green-api.com/v3/docs/api/account/QR
 */
export function interpretQr(answer: Answer): Outcome {
  const reading = readAnswer(answer);
  if (reading.kind !== 'reading') return reading;
  const message = reading.fields?.['message'];
  switch (reading.fields?.['type']) {
    case 'qrCode':
      return interpretPicture(message);
    case 'error':
      return (typeof message === 'string' ? ERROR_MESSAGES.get(message.trim().toLowerCase()) : undefined) ?? trouble('provider_refused');
    case 'alreadyLogged':
    case 'already_registered':
      return { kind: 'authorized', account: null };
    case 'pendingPassword':
    case 'pending_password':
      return { kind: 'passwordWanted' };
    case 'passkeyRequired':
    case 'PassKeyRequire':
      // A step of another messenger, which a viewer cannot take here.
      return trouble('provider_refused');
    default:
      // The message of an unknown type is never used as a picture, whatever it looks like.
      return trouble('provider_error');
  }
}

function interpretPicture(message: unknown): Outcome {
  const picture = typeof message === 'string' ? parsePicture(message) : null;
  return picture === null ? trouble('provider_error') : { kind: 'code', ...picture, text: null };
}
