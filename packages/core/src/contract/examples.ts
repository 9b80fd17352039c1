/**
 * The examples in the generated documents, which all tell of one session. Their secrets are made
 * up.
 */

import { type ErrorCode, NO_SUCH_SESSION } from '../errors.ts';
import type { WireSession } from '../wire.ts';

const STARTED_AT = 1_790_000_000_000;

/** Just created; nobody watches yet. */
export const EXAMPLE_SESSION: WireSession = {
  id: 'ses_ln1If9cPrHP2Sui-',
  instanceId: '1101000001',
  reference: 'order-77',
  version: 1,
  state: 'idle',
  code: null,
  notice: null,
  account: null,
  end: null,
  viewers: 0,
  locale: null,
  returnUrl: null,
  startedAt: STARTED_AT,
  deadlineAt: STARTED_AT + 180_000,
  expiresAt: STARTED_AT + 3_600_000,
  serverNow: STARTED_AT + 5,
};

/** Watched, with a code to scan. */
export const EXAMPLE_SHOWING: WireSession = {
  ...EXAMPLE_SESSION,
  version: 1_236,
  state: 'showing',
  code: {
    image: 'data:image/png;base64,iVBORw0KGgo…',
    text: 'https://max.ru/:auth/…',
    issuedAt: STARTED_AT + 1_234,
    staleAt: STARTED_AT + 21_234,
  },
  viewers: 1,
  serverNow: STARTED_AT + 1_240,
};

/** The same session in a list. */
export const EXAMPLE_LISTED: WireSession = {
  ...EXAMPLE_SHOWING,
  code: { image: null, text: null, issuedAt: STARTED_AT + 1_234, staleAt: STARTED_AT + 21_234 },
};

export const EXAMPLE_PASSWORD: WireSession = {
  ...EXAMPLE_SHOWING,
  version: 29_996,
  state: 'password',
  code: null,
  serverNow: STARTED_AT + 30_000,
};

export const EXAMPLE_CONNECTED: WireSession = {
  ...EXAMPLE_PASSWORD,
  version: 41_000,
  state: 'connected',
  account: { wid: '79990000002@c.us', phone: '79990000002' },
  serverNow: STARTED_AT + 41_000,
};

/** After a resume. */
export const EXAMPLE_RESUMED: WireSession = {
  ...EXAMPLE_SESSION,
  version: 300_000,
  state: 'waiting',
  viewers: 1,
  startedAt: STARTED_AT + 300_000,
  deadlineAt: STARTED_AT + 480_000,
  serverNow: STARTED_AT + 300_002,
};

export const EXAMPLE_TICKET = {
  ticket: 'eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIn0.…',
  ticketId: 'tkt_sxbpwW5P8SCkHGvw',
  ticketExpiresAt: STARTED_AT + 900_000,
} as const;

export const EXAMPLE_TENANT = {
  id: 'acme',
  name: 'Acme',
  allowedOrigins: ['https://app.example.com'],
  upstreamHosts: null,
  limits: {},
  callback: { url: 'https://app.example.com/qrcast' },
  relay: null,
  keepConnectedDays: 30,
  checkConnectedEvery: null,
  keys: [{ id: 'key_3rTgC0Yx8mJb1aQe', createdAt: STARTED_AT, lastUsedAt: null }],
  suspended: false,
  createdAt: STARTED_AT,
} as const;

/** An example of a `detail` for each error code, in the gateway's words. */
export const EXAMPLE_DETAILS: Readonly<Record<ErrorCode, string>> = {
  invalid_request: 'instanceId: expected 4 to 20 digits (came: string of 2)',
  unauthenticated: 'expected the header Authorization: Bearer <API key or ticket>',
  forbidden: 'this call needs the API key; a ticket only watches its session',
  origin_not_allowed: 'this ticket may not be used from this origin; name the origin when you make the ticket',
  upstream_not_allowed:
    'apiUrl: expected an address like https://1101.api.green-api.com, of a host on the allow-list; ask the operator to add yours (QRCAST_UPSTREAM_HOSTS)',
  not_found: NO_SUCH_SESSION,
  no_code: 'the session shows no code now; ask again when its state is "showing"',
  not_resumable: 'only a session that ended with deadline, provider_down, instance_expired can be resumed; this one is waiting',
  not_waiting_for_password: 'the session is showing; a password is accepted only in the state "password"',
  attempt_live: 'an attempt of this instance is under way, and the call would restart it; try again when it has ended',
  credentials_gone: 'the session is over, and its provider token is not kept; create a new session of the instance',
  webhook_url_differs: 'the instance has another webhook URL; say "replaceUrl": true to replace it',
  webhook_busy: 'another call sets the webhook of this instance just now; wait and look at it again',
  public_url_unknown: 'this gateway does not know its public address; ask the operator to set QRCAST_PUBLIC_URL',
  session_expired: 'the session has expired; create a new one',
  body_too_large: 'expected a body of at most 65536 bytes',
  unsupported_media_type: 'expected a body in UTF-8; the header Content-Type declares another charset',
  password_rejected: 'the provider says the password is wrong',
  too_many_requests: 'one password a second; wait and try again',
  tenant_limit_reached: 'limit sessions: 10000 for this tenant (live sessions at once); end some, or ask the operator for more',
  unavailable: 'the service cannot answer now; try again',
};
