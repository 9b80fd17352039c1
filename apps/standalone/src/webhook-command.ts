/**
 * `qrcast webhook`: asks a gateway whether an instance notifies it. With `--set`, the gateway sets
 * the webhook.
 */

import { z } from 'zod';
import type { WebhookArguments } from './cli-arguments.ts';
import { EXITS } from './login/ending.ts';
import type { Secrets } from './login/secrets.ts';
import { callGateway, cancelSession, createSession, type GatewayAccess } from './start/session.ts';
import { jsonLine, printable } from './terminal-text.ts';

export interface WebhookDeps {
  readonly secrets: Pick<Secrets, 'apiKey' | 'token' | 'webhookToken'>;
  readonly write: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Accepts more than the protocol's own schema, because a newer gateway may say more. */
const answerSchema = z.object({
  webhook: z.object({
    instanceId: z.string(),
    status: z.string(),
    stateWebhook: z.string(),
    url: z.string(),
    token: z.string(),
    expectedUrl: z.string().nullable(),
    lastNotificationAt: z.number().nullable(),
    checkedAt: z.number(),
    findings: z.array(z.object({ code: z.string(), detail: z.string() })),
  }),
  applied: z.union([z.boolean(), z.string()]).optional(),
  restarted: z.boolean().optional(),
});

type Answer = z.infer<typeof answerSchema>;

/**
 * The gateway waits for the provider: some seconds for a check, up to a minute to set the webhook.
 */
const CHECK_TIMEOUT_MS = 30_000;
const SET_TIMEOUT_MS = 90_000;
/** The life of a session that is created for this command alone, and cancelled afterwards. */
const SESSION_SECONDS = 300;

/** Resolves to the status to exit with. @throws {LoginError | GatewayError} */
export async function runWebhook({ secrets, write, signal }: WebhookDeps, args: WebhookArguments): Promise<number> {
  const apiToken = args.sessionId === undefined ? await secrets.token(signal) : null;
  const access = { url: args.gateway, apiKey: await secrets.apiKey(signal), signal };
  const webhookToken = args.isSet ? await secrets.webhookToken(signal) : null;
  const answer = await withSession(access, args, apiToken, async (sessionId) => {
    const path = `/v1/sessions/${encodeURIComponent(sessionId)}/webhook`;
    if (webhookToken === null) return callGateway(access, 'GET', path, { timeoutMs: CHECK_TIMEOUT_MS });
    const body = { webhookToken, ...(args.isReplacing ? { replaceUrl: true } : {}) };
    return callGateway(access, 'POST', path, { body, timeoutMs: SET_TIMEOUT_MS });
  });
  const told = answerSchema.parse(answer.answer);
  write(args.json ? jsonLine('webhook', told) : `${printable(textOf(told, args))}\n`);
  return told.webhook.status === 'set' ? EXITS.connected.code : EXITS.webhookNotSet.code;
}

/** A session that was found also belongs to somebody else, so it stays. */
async function withSession<T>(
  access: GatewayAccess,
  { sessionId, instanceId, apiUrl }: WebhookArguments,
  apiToken: string | null,
  run: (sessionId: string) => Promise<T>,
): Promise<T> {
  if (sessionId !== undefined) return run(sessionId);
  const session = await createSession(access, { instanceId, apiToken, ...(apiUrl === undefined ? {} : { apiUrl }) }, SESSION_SECONDS);
  try {
    return await run(session.sessionId);
  } finally {
    // Not given the signal: the session is to be cancelled even if the command is stopped. If that
    // fails, it expires.
    if (session.isNew) await cancelSession({ url: access.url, apiKey: access.apiKey }, session.sessionId).catch(() => undefined);
  }
}

const STATUS_TEXTS: Readonly<Record<string, string>> = {
  set: 'The webhook is set.',
  not_set: 'The webhook is not set.',
  unknown: 'Whether the webhook is set is not known.',
};

function textOf({ webhook, restarted }: Answer, args: WebhookArguments): string {
  const { instanceId, status, stateWebhook, url, token, expectedUrl, lastNotificationAt, findings } = webhook;
  const last = lastNotificationAt === null ? 'none in the last 7 days' : new Date(lastNotificationAt).toISOString();
  const rows = [
    ['instance', instanceId],
    ['state notifications', stateWebhook],
    ['webhook URL', url],
    ['webhook token', token],
    ['expected URL', expectedUrl ?? 'not known'],
    ['last notification', last],
  ] as const;
  return [
    STATUS_TEXTS[status] ?? status,
    ...(restarted === true ? ['The settings were sent, and the provider restarts the instance.'] : []),
    ...rows.map(([name, value]) => `  ${name.padEnd(20)} ${value}`),
    ...findings.map(({ detail }) => `- ${detail}`),
    ...(status === 'not_set' && expectedUrl !== null && !args.isSet ? [wayToSet(url)] : []),
  ].join('\n');
}

const wayToSet = (url: string): string =>
  url === 'differs'
    ? 'To have it set: --set --replace-url. That restarts the instance, and whoever uses the old address gets nothing then.'
    : 'To have it set: --set. That restarts the instance.';
