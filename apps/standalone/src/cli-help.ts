/** What `qrcast --help` prints. */

import { DEFAULT_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS } from './cli-arguments.ts';
import { EXITS } from './login/ending.ts';

export const HELP = `qrcast login --id <instanceId>

Links an instance from the terminal: draws the live code, you scan it, it says when the login
is confirmed.

  --id <instanceId>         the instance, 4 to 20 digits
  --api-url <host>          the provider's host; default: by the first four digits of the id
  --token-file <path>       the instance's API token, in a file; - is the first line of stdin
  --password-file <path>    the account's password, should it be wanted; - is a line of stdin
  --relink                  logs the instance out first if it is linked already
  --expected-phone <phone>  takes the login of this phone alone, written like +79001234567
  --timeout <seconds>       gives up after so long; default ${DEFAULT_TIMEOUT_SECONDS}, at most ${MAX_TIMEOUT_SECONDS}
  --gateway <url>           a gateway that runs; default: a private one, gone with the command
  --json                    one JSON object a line on stdout, for programs
  --help, --version

Secrets are never arguments, which everybody on the machine can read:
  GREEN_API_TOKEN           the instance's API token, if there is no --token-file
  QRCAST_API_KEY            the API key for --gateway
  QRCAST_ACCOUNT_PASSWORD   the account's password, if there is no --password-file
At a terminal you are asked for what is missing, and nothing you type is shown. A password may
also come as a line of stdin. Enter alone, twice, leaves the password for a new code.

Events of --json: session (as in the protocol, without its picture), fresh (the code may be
shown until a later staleAt), stale (it may not be shown any more), password_required, and as
the last line connected {account}, ended {reason, exitCode} or error {code, detail}.

Without colours (NO_COLOR, or no terminal) the code is drawn for light text on dark ground.
QRCAST_LOG_LEVEL=debug logs to stderr. QRCAST_POLL_INTERVAL_MS, QRCAST_ATTEMPT_MS and
QRCAST_CODE_TTL_MS work as everywhere.

HTTPS_PROXY and NO_PROXY hold for the provider; with --gateway (also below), for the way to it.

qrcast webhook --gateway <url> --session <id>

Asks a gateway that runs whether the provider notifies it of the session's instance, and says what
to do if not. It reads only.

  --session <id>            the session; or:
  --id <instanceId>         the instance, with its API token as for login: a session is made, and
                            deleted afterwards (--api-url and --token-file as above). A live session
                            of the instance is used, but ends if its token is another one
  --set                     sets the webhook of the instance, which restarts it. Wants the webhook
                            token of the tenant: QRCAST_WEBHOOK_TOKEN, or you are asked
  --replace-url             with --set: also where the instance notifies another address
  --json                    one JSON object on stdout: webhook, and with --set applied, restarted

qrcast rotate-keys [--check]

Seals everything in REDIS_URL (QRCAST_NAMESPACE) anew under the first of QRCAST_SECRET_KEYS, beside
running processes, and says which of the others can be dropped. --check counts and changes nothing.

Exit status:
${Object.values(EXITS)
  .map(({ code, means }) => `  ${code}    ${means}`)
  .join('\n')}
  130  Ctrl-C (129, 143: another signal)
`;
