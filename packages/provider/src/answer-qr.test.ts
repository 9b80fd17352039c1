import type { Outcome } from '@qrcast/core/outcome';
import { expect, test } from 'vitest';
import { PNG_BASE64, pngOfSize } from '../test/pictures.ts';
import { interpretQr } from './answer-qr.ts';
import { MAX_PICTURE_SIDE } from './picture.ts';

const AUTHORIZED: Outcome = { kind: 'authorized', account: null };
const PASSWORD_WANTED: Outcome = { kind: 'passwordWanted' };
const PROVIDER_ERROR: Outcome = { kind: 'trouble', code: 'provider_error' };
const REFUSED: Outcome = { kind: 'trouble', code: 'provider_refused' };

test('a picture is returned as a data URL with a digest of its bytes', () => {
  expect(interpret({ type: 'qrCode', message: PNG_BASE64 })).toEqual({
    kind: 'code',
    text: null,
    image: `data:image/png;base64,${PNG_BASE64}`,
    // printf %s "$PNG_BASE64" | base64 -d | openssl dgst -sha256 -binary | head -c 12 | basenc
    // --base64url
    digest: 'a3-kNPkqi4CqsC2b',
  });
});

test('another picture has another digest', () => {
  const digests = [pngOfSize(21, 21), pngOfSize(21, 22)].map((message) => {
    const outcome = interpret({ type: 'qrCode', message });
    return outcome.kind === 'code' ? outcome.digest : outcome;
  });
  expect(new Set(digests).size).toBe(2);
});

test.each<readonly [type: unknown, message: unknown, expected: Outcome]>([
  ['error', 'timeout', { kind: 'trouble', code: 'provider_timeout' }],
  ['error', 'not_ready', { kind: 'trouble', code: 'provider_not_ready' }],
  ['error', 'connection_closed', REFUSED],
  ['error', 'Instance has auth. You need to make log out', REFUSED],
  ['error', 'Error: Multi-device beta not joined', REFUSED],
  ['error', 'something new', REFUSED],
  ['error', '', REFUSED],
  ['error', undefined, REFUSED],
  ['error', 'constructor', REFUSED],
  ['alreadyLogged', 'instance account already authorized', AUTHORIZED],
  ['already_registered', 'instance account already authorized', AUTHORIZED],
  ['already_registered', undefined, AUTHORIZED],
  ['pendingPassword', '2FA password required', PASSWORD_WANTED],
  ['pending_password', undefined, PASSWORD_WANTED],
  ['passkeyRequired', '', REFUSED],
  ['PassKeyRequire', '', REFUSED],
  ['timeout', 'timeoutExpired', PROVIDER_ERROR],
  ['somethingNew', PNG_BASE64, PROVIDER_ERROR],
  ['qrcode', PNG_BASE64, PROVIDER_ERROR],
  ['__proto__', PNG_BASE64, PROVIDER_ERROR],
  [undefined, PNG_BASE64, PROVIDER_ERROR],
  [null, PNG_BASE64, PROVIDER_ERROR],
  [1, PNG_BASE64, PROVIDER_ERROR],
])('type %j with message %j', (type, message, expected) => {
  expect(interpret({ type, message })).toEqual(expected);
});

test.each<readonly [what: string, message: unknown]>([
  ['empty', ''],
  ['missing', undefined],
  ['null', null],
  ['no string', { data: PNG_BASE64 }],
  ['no base64', 'instance account already authorized'],
  ['with the data: prefix', `data:image/png;base64,${PNG_BASE64}`],
  ['without its padding', PNG_BASE64.replace(/=+$/, '')],
  ['cut inside a quantum', PNG_BASE64.slice(0, 50)],
  ['with a line break', `${PNG_BASE64.slice(0, 76)}\n${PNG_BASE64.slice(76)}`],
  ['with a blank in front', ` ${PNG_BASE64}`],
  ['in the URL alphabet', PNG_BASE64.replaceAll('+', '-').replaceAll('/', '_')],
  ['with a letter outside Latin', PNG_BASE64.replace('QV', 'Q\u0156')],
  ['with bits behind its end', PNG_BASE64.replace('gg==', 'gh==')],
  ['with text behind its end', `${PNG_BASE64}AAAA`],
  ['a JPEG', Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(60)]).toString('base64')],
  ['the signature only', Buffer.from(PNG_BASE64, 'base64').subarray(0, 8).toString('base64')],
  ['cut inside the header chunk', Buffer.from(PNG_BASE64, 'base64').subarray(0, 32).toString('base64')],
  ['with another first chunk', Buffer.from(PNG_BASE64, 'base64').fill('IDAT', 12, 16).toString('base64')],
  ['without width', pngOfSize(0, 100)],
  ['without height', pngOfSize(100, 0)],
  ['that unpacks to gigabytes', pngOfSize(MAX_PICTURE_SIDE + 1, 100)],
  ['that unpacks to gigabytes, upright', pngOfSize(100, 0xffff_ffff)],
])('a picture %s is refused', (_what, message) => {
  expect(interpret({ type: 'qrCode', message })).toEqual(PROVIDER_ERROR);
});

test('a JSON null is not an answer to this method', () => {
  expect(interpret(null)).toEqual(PROVIDER_ERROR);
});

function interpret(body: unknown): Outcome {
  return interpretQr({ status: 200, headers: {}, body: JSON.stringify(body) });
}
