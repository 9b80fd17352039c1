/**
 * What each value of the contract's enums means, for the generated documents. The types keep every
 * table complete.
 */

import type { CloseReason } from '../close-codes.ts';
import type { ErrorCode } from '../errors.ts';
import type { NoticeCode } from '../outcome.ts';
import type { Scope } from '../requests.ts';
import type { EndReason, StateKind } from '../session.ts';
import { FINDING_WORDS } from '../webhook-check.ts';
import type { Format } from '../wire.ts';

const STATE_WORDS: Readonly<Record<StateKind, string>> = {
  idle: 'Nobody watches, no login can be under way, and the provider is not polled. The first state of every session.',
  waiting: 'The provider is polled, but there is no code to show. `notice` says why if there is a reason.',
  showing: 'There is a code to scan, until `code.staleAt`.',
  password: "The code was scanned, and the account's cloud password is needed.",
  connected: 'The login is confirmed. Final.',
  ended: 'The session stopped; `end.reason` says why. Final unless `end.resumable`.',
};

const NOTICE_WORDS: Readonly<Record<NoticeCode, string>> = {
  instance_starting: 'The instance is being created, is restarting, or was logged out for a new login.',
  provider_not_ready:
    'The provider has no code yet, the account is suspended, its phone is not known yet, or an account other than the expected one is being logged out.',
  provider_timeout: 'The provider did not answer in time, or has not answered for 8 s so far.',
  provider_refused: "The provider, the messenger or this service's operator refused the request this time.",
  provider_unreachable: 'There is no connection to the provider.',
  provider_error: 'The provider gave an answer that cannot be used.',
  rate_limited: 'The provider received too many requests, from this service or from somebody else.',
  password_rejected: 'The last password was wrong.',
  password_rate_limited: 'The provider or this service accepts no more passwords for now.',
  login_finishing: 'The code was scanned, and the provider is finishing the login. Do not ask for another scan.',
  provider_slow: "The provider's host answers most requests slowly, so a code takes longer than usual.",
};

const END_WORDS: Readonly<Record<EndReason, string>> = {
  deadline: 'The time of the attempt is over. Resumable.',
  provider_down: 'The provider failed eight times in a row. Resumable.',
  cancelled: 'The session was deleted, its tenant was deleted, or a session with another token replaced it.',
  credentials_rejected: 'The provider does not know the instance, the token or the host, or it has refused them for a minute.',
  instance_deleted: 'The provider says that the instance is deleted.',
  instance_expired: 'The provider says that the instance is not paid for. New instances say so for up to an hour. Resumable.',
  instance_blocked: 'The messenger has blocked the account.',
  account_mismatch: 'A phone other than `expectedPhone` was linked.',
  expired: 'The time `expiresAt` has passed.',
};

const FORMAT_WORDS: Readonly<Record<Format, string>> = {
  image: 'The picture as a PNG, to show as it is.',
  text: 'What the picture encodes, so that you can draw it yourself.',
};

const SCOPE_WORDS: Readonly<Record<Scope, string>> = {
  view: 'Read, watch and resume.',
  password: "Send the account's cloud password, or leave that step for a new code.",
};

export const ERROR_WORDS: Readonly<Record<ErrorCode, string>> = {
  invalid_request: "A field breaks a rule. `detail` names the field, the rule and the value's kind.",
  unauthenticated: 'The credential is missing or unknown, or the ticket has expired or was revoked.',
  forbidden: 'The call needs the API key, the ticket lacks the scope, or the tenant is suspended.',
  origin_not_allowed: 'The ticket may not be used from the origin of this page.',
  upstream_not_allowed: "The provider host is not on the operator's or the tenant's list.",
  not_found: 'It does not exist, or it belongs to another tenant.',
  no_code: 'The session shows no code now. There may be one later.',
  not_resumable: 'The session is live or final, or a newer session of its instance is live.',
  not_waiting_for_password: 'The session does not need a password, or does not need one any more.',
  attempt_live: 'Somebody is logging in to the instance, and the call would restart it. Try again after the attempt.',
  credentials_gone: 'The session has ended for good, so its provider token was deleted. Create a new session of the instance.',
  webhook_url_differs: 'The instance has a webhook URL that leads elsewhere. Send `replaceUrl: true` to replace it.',
  webhook_busy: 'Another call is setting the webhook of the same instance. Check the webhook again afterwards.',
  public_url_unknown: 'The operator has not set the public address of the gateway (QRCAST_PUBLIC_URL).',
  session_expired: 'The session ended at `expiresAt`. An hour after that it is `not_found`.',
  body_too_large: 'The body is larger than the call accepts.',
  unsupported_media_type: 'The headers declare a charset other than UTF-8, or a content coding.',
  password_rejected: 'The provider says that the password is wrong. Try another one.',
  too_many_requests:
    'There were too many requests in a short time. `limit` names the limit, if it is one of the tenant. Wait for `retryAfterMs`.',
  tenant_limit_reached: 'The tenant has reached a limit on what it may have at once; `limit` names it. Wait for `retryAfterMs`.',
  unavailable: 'The service, or the provider behind it, cannot answer now. Try again.',
};

export const CLOSE_WORDS: Readonly<Record<CloseReason, string>> = {
  done: 'The session is final, and its last state was sent.',
  draining: 'This gateway is stopping. Another one will serve you.',
  unavailable: 'The subscription could not be made, or the gateway is full.',
  slow_consumer: 'The client took longer than 15 s to read a message. Reconnect to get the latest state.',
  too_many_requests: 'The client sent far more messages than it needs, watches too many sessions, or reached a limit of the tenant.',
  invalid_message: 'The client sent something other than a JSON object in a text frame.',
  unauthenticated: 'This gateway did not issue the ticket, or its tenant was deleted.',
  forbidden: 'The ticket lacks the scope `view` or is not for this origin, or its tenant is suspended.',
  not_found: 'The session does not exist any more.',
  session_expired: 'The session has expired.',
  ticket_expired: 'The ticket has expired. Ask your backend for a new one.',
  ticket_revoked: 'The tenant revoked the ticket.',
  subscribe_timeout: 'The connection watched nothing for 10 s.',
  message_too_large: 'A message of the client was larger than 16 KiB.',
};

/** By the id of the enum's schema. */
export const ENUM_WORDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  SessionState: STATE_WORDS,
  NoticeCode: NOTICE_WORDS,
  EndReason: END_WORDS,
  Format: FORMAT_WORDS,
  Scope: SCOPE_WORDS,
  ErrorCode: ERROR_WORDS,
  CloseReason: CLOSE_WORDS,
  WebhookFindingCode: FINDING_WORDS,
};
