/** What each word of the contract means, for the generated documents. The types keep every table complete. */

import type { CloseReason } from '../close-codes.ts';
import type { ErrorCode } from '../errors.ts';
import type { NoticeCode } from '../outcome.ts';
import type { Scope } from '../requests.ts';
import type { EndReason, StateKind } from '../session.ts';
import { FINDING_WORDS } from '../webhook-check.ts';
import type { Format } from '../wire.ts';

export const STATE_WORDS: Readonly<Record<StateKind, string>> = {
  idle: 'Nobody watches, no login can be under way, and nothing is polled. The first state of every session.',
  waiting: 'Polled, with no code to show; `notice` says why, if there is a reason.',
  showing: 'There is a code to scan, until `code.staleAt`.',
  password: "Scanned; the account's cloud password is wanted.",
  connected: 'The login is confirmed. Final.',
  ended: 'Stopped, for `end.reason`. Final unless `end.resumable`.',
};

export const NOTICE_WORDS: Readonly<Record<NoticeCode, string>> = {
  instance_starting: 'The instance is being created, is restarting, or was logged out for a new login.',
  provider_not_ready:
    'No code yet, or the account is suspended, or its phone is not known yet, or another account than expected is being logged out.',
  provider_timeout: 'No answer in time, or none for 8 s so far.',
  provider_refused: "Refused this time: by the provider, the messenger or this service's operator.",
  provider_unreachable: 'No connection to the provider.',
  provider_error: 'The provider gave an answer of no use.',
  rate_limited: "Too many requests at the provider, ours or somebody else's.",
  password_rejected: 'The last password was wrong.',
  password_rate_limited: 'No more passwords are taken for now, by the provider or by this service.',
  login_finishing: 'The code was scanned, and the provider is finishing the login. Invite no second scan.',
};

export const END_WORDS: Readonly<Record<EndReason, string>> = {
  deadline: 'The attempt took its time. Resumable.',
  provider_down: 'The provider failed eight times in a row. Resumable.',
  cancelled: 'Deleted, its tenant removed, or replaced by a session with another token.',
  credentials_rejected: 'The provider does not know the instance, the token or the host; or it has refused them for a minute.',
  instance_deleted: 'The provider says that the instance is deleted.',
  instance_expired: 'The provider says that the instance is not paid for. New instances say so for up to an hour. Resumable.',
  instance_blocked: 'The messenger has blocked the account.',
  account_mismatch: 'Another phone than `expectedPhone` was linked.',
  expired: '`expiresAt` passed.',
};

export const FORMAT_WORDS: Readonly<Record<Format, string>> = {
  image: 'The picture as a PNG, to show as it is.',
  text: 'What the picture says, to draw it yourself.',
};

export const SCOPE_WORDS: Readonly<Record<Scope, string>> = {
  view: 'Read, watch and resume.',
  password: "Hand over the account's cloud password, or leave that step for a new code.",
};

export const ERROR_WORDS: Readonly<Record<ErrorCode, string>> = {
  invalid_request: "A field breaks a rule; `detail` names the field, the rule and the value's kind.",
  unauthenticated: 'No credential, an unknown one, or a ticket that has expired or was revoked.',
  forbidden: 'A ticket where the API key is wanted, or one without the scope; or the tenant is suspended.',
  origin_not_allowed: 'The ticket is not for the page it was used from.',
  upstream_not_allowed: "The provider host is not on the operator's or the tenant's list.",
  not_found: "No such thing, or another tenant's.",
  no_code: 'The session shows no code now; there may be one later.',
  not_resumable: 'The session is live or final, or a newer session of its instance is live.',
  not_waiting_for_password: 'No password is wanted, or none any more.',
  attempt_live: 'Somebody is logging in to the instance, and the call would restart it. Try again after the attempt.',
  credentials_gone: 'The session has ended for good, so its provider token was dropped. Create a new session of the instance.',
  webhook_url_differs: 'The instance has a webhook URL that leads elsewhere. With `replaceUrl: true` it is replaced.',
  webhook_busy: 'Another call sets the webhook of the same instance just now. Look at it again afterwards.',
  public_url_unknown: 'The operator has not set the public address of the gateway (QRCAST_PUBLIC_URL).',
  session_expired: 'The session was over at `expiresAt`; an hour later it is `not_found`.',
  body_too_large: 'The body is larger than the call takes.',
  unsupported_media_type: 'The headers declare another charset than UTF-8, or a content coding.',
  password_rejected: 'The provider says that the password is wrong. Try another one.',
  too_many_requests: 'Too many too close together, or no more for now; `limit` names a limit. Wait as told.',
  tenant_limit_reached: 'The tenant has as much as it may have at once, `limit` says of what. Wait as told.',
  unavailable: 'The service, or the provider behind it, cannot answer now. Try again.',
};

export const CLOSE_WORDS: Readonly<Record<CloseReason, string>> = {
  done: 'The session is final, and its last state was sent.',
  draining: 'This gateway is stopping; another one serves you.',
  unavailable: 'The subscription could not be made, or the gateway is full.',
  slow_consumer: 'A message took longer than 15 s to be read. Come back to the latest state.',
  too_many_requests: 'Far more messages than a client needs, too many sessions, or a limit of the tenant is reached.',
  invalid_message: 'What came is no JSON object in a text frame.',
  unauthenticated: 'The ticket is no ticket of ours, or its tenant was deleted.',
  forbidden: 'The ticket lacks the scope `view`, is not for this origin, or its tenant is suspended.',
  not_found: 'The session is gone.',
  session_expired: 'The session is over.',
  ticket_expired: 'Ask your backend for a new ticket.',
  ticket_revoked: 'The tenant took the ticket back.',
  subscribe_timeout: 'Nothing was watched on the connection for 10 s.',
  message_too_large: 'A message of the client was larger than 16 KiB.',
};

/** Under the id of the enum's schema. */
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
