/** What `qrcast --help` prints. */

import { EXITS } from './login/ending.ts';
import { DEFAULT_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS } from './option-rules.ts';

export const HELP = `qrcast login --id <instanceId>

Links an instance from the terminal: draws the live code, you scan it, it says when the login
is confirmed.

  --id <instanceId>         the instance, 4 to 20 digits
  --api-url <host>          the provider's host; default: by the first four digits of the id
  --token-file <path>       the instance's API token, in a file; - is the first line of stdin
  --password-file <path>    the account's password, if it is needed; - is a line of stdin
  --relink                  logs the instance out first if it is linked already
  --expected-phone <phone>  accepts only this phone's login, written like +79001234567
  --timeout <seconds>       gives up after this time; default ${DEFAULT_TIMEOUT_SECONDS}, at most ${MAX_TIMEOUT_SECONDS}
  --gateway <url>           a running gateway; default: a private one, for this command
  --json                    one JSON object a line on stdout, for programs
  --help, --version

Secrets are never arguments, which everybody on the machine can read:
  GREEN_API_TOKEN           the instance's API token, if there is no --token-file
  QRCAST_API_KEY            the API key for --gateway
  QRCAST_ACCOUNT_PASSWORD   the account's password, if there is no --password-file
At a terminal you are asked for what is missing, and nothing you type is shown. A password may
also come as a line of stdin. Enter alone, twice, leaves the password for a new code.

Events of --json: session (as in the protocol, without its picture), fresh (the code may be
shown until a later staleAt), stale (it must no longer be shown), password_required, and as
the last line connected {account}, ended {reason, exitCode} or error {code, detail}.

Without colours (NO_COLOR, or no terminal) the code is drawn for light text on dark ground.
QRCAST_LOG_LEVEL=debug logs to stderr. QRCAST_POLL_INTERVAL_MS, QRCAST_ATTEMPT_MS and
QRCAST_CODE_TTL_MS work as everywhere.

HTTPS_PROXY and NO_PROXY hold for the provider; with --gateway (also below), for the way to it.

qrcast webhook --gateway <url> --session <id>

Asks a running gateway whether the provider notifies it of the session's instance, and says what to
do if not. It changes nothing.

  --session <id>            the session; or:
  --id <instanceId>         the instance, with its API token as for login: a session is created,
                            and deleted afterwards (--api-url and --token-file as above). A live
                            session of the instance is used, but ends if its token is another one
  --set                     sets the webhook of the instance, which restarts it. Needs the webhook
                            token of the tenant: QRCAST_WEBHOOK_TOKEN, or you are asked
  --replace-url             with --set: even if the instance notifies another address
  --json                    one JSON object on stdout: webhook, and with --set applied, restarted

qrcast tenants <what> --gateway <url>

Lists and changes the tenants of a running gateway, with its admin key: QRCAST_ADMIN_KEY, or you are
asked. A secret is shown only by the call that makes it.

  list                      the tenants: state, number of API keys, limits of their own
  add <id>                  creates a tenant, and prints its API key and other secrets
  suspend <id>, resume <id> refuses its keys and tickets and closes its streams; deletes nothing
  keys list <id>            its API keys, and when each was last used
  keys add <id>             a second key, to replace the first without a gap
  keys revoke <id> <keyId>  refuses the key from now on
  --name <text>             with add: a name for people; default: the id
  --json                    one JSON object on stdout: tenants, tenant, key or revoked

qrcast top --gateway <url>

Shows the sessions of a running gateway live, those with a problem first. q ends it. It keeps no
session alive. Needs QRCAST_API_KEY, or you are asked. Without a terminal it prints one table.

  --all                     those of all tenants, with the admin key: QRCAST_ADMIN_KEY
  --tenant <id>             those of one tenant, with the admin key
  --once                    prints one table, and ends
  --json                    one JSON object a line on stdout: sessions (all of them if isFirst,
                            else those that changed, and the ids of the gone) and retrying

qrcast doctor [--json]

Looks at all that an installation needs, with the environment of a gateway or a worker: settings,
Redis, keys and stored records, the way to the provider, and QRCAST_PUBLIC_URL. It changes nothing.
Each fault comes with the command or the setting that mends it. Warnings alone exit with 0.

  --json                    one JSON object on stdout: doctor {faults, warnings, unknowns, findings}

qrcast rotate-keys [--check]

Seals everything in REDIS_URL (QRCAST_NAMESPACE) again with the first of QRCAST_SECRET_KEYS, while
other processes run. Says which of the other keys can be dropped. --check only counts.

Exit status:
${Object.values(EXITS)
  .map(({ code, means }) => `  ${code}    ${means}`)
  .join('\n')}
  130  Ctrl-C (129, 143: another signal)
`;
