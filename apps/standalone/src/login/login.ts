/**
 * `qrcast login`: reads the secrets, finds or opens a gateway, creates a session, and follows it.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { WriteStream } from 'node:tty';
import { watchSession } from '@qrcast/client';
import { errorFields, type Logger } from '@qrcast/runtime/log';
import type { Releasers } from '@qrcast/runtime/releasers';
import type { LoginArguments } from '../cli-arguments.ts';
import { usageError } from '../option-rules.ts';
import { cancelSession, createSession, type GatewayAccess, GatewayError, type StartedSession } from '../start/session.ts';
import { type Ending, EXITS, LoginError } from './ending.ts';
import { followLogin } from './follow.ts';
import type { Input } from './input.ts';
import type { Secrets } from './secrets.ts';
import { type LoginStackOptions, openLoginStack } from './stack.ts';
import type { LoginView } from './view.ts';
import { createJsonView } from './view-json.ts';
import { openLiveView } from './view-live.ts';
import { createPlainView } from './view-plain.ts';

export interface LoginDeps {
  readonly stdout: WriteStream;
  readonly ask: (text: string) => void;
  readonly input: Pick<Input, 'takeKeyboard' | 'hasTerminal'>;
  readonly secrets: Secrets;
  readonly settings: LoginStackOptions['settings'];
  readonly path: string;
  /** Whether the screen may be painted. */
  readonly isLive: boolean;
  readonly colours: boolean;
  readonly log: Logger;
  readonly releasers: Releasers;
  readonly signal: AbortSignal;
}

/** By how much the session outlasts the wait, so that the wait ends first. */
const MARGIN_SECONDS = 60;

/**
 * Pushes what it opens to `releasers`. The terminal is as before when it settles.
 *
 * @throws {LoginError}
 */
export async function runLogin(deps: LoginDeps, args: LoginArguments): Promise<Ending> {
  const { secrets, releasers, signal } = deps;
  const apiToken = await secrets.token(signal);
  const given = args.gateway === undefined ? null : { url: args.gateway, apiKey: await secrets.apiKey(signal) };
  const endsAt = Date.now() + args.timeoutSeconds * 1_000;
  const view = openView(deps, args, endsAt);
  try {
    const access = given ?? (await openLoginStack({ ...deps, apiUrl: args.apiUrl }, releasers));
    signal.throwIfAborted();
    const { ticket, pageUrl } = await openSession(deps, access, args, apiToken);
    const watch = watchSession({ url: access.url, ticket, formats: ['text'] });
    releasers.push('watch', () => watch.close());
    view.watch(watch, pageUrl);
    const delay = (ms: number, until: AbortSignal): Promise<void> => pause(ms, undefined, { signal: until });
    const { passwords } = secrets;
    return await followLogin({ watch, view, passwords, delay }, { timeoutSeconds: args.timeoutSeconds, endsAt, signal });
  } finally {
    view.close();
  }
}

function openView({ stdout, ask, input, isLive, colours }: LoginDeps, { json, instanceId }: LoginArguments, endsAt: number): LoginView {
  const write = (text: string): void => void stdout.write(text);
  if (json) return createJsonView({ write, ask: input.hasTerminal ? ask : () => undefined });
  if (!isLive) return createPlainView({ write, ask, colours, hasTerminal: input.hasTerminal });
  input.takeKeyboard();
  return openLiveView({ stdout, colours, instanceId, endsAt });
}

/**
 * A session created here is cancelled at the end, because nobody will watch it any more. A session
 * that was found also belongs to somebody else, so it stays.
 */
async function openSession(
  { releasers, signal, log }: LoginDeps,
  access: GatewayAccess,
  args: LoginArguments,
  apiToken: string,
): Promise<StartedSession> {
  const { instanceId, apiUrl, relink, expectedPhone } = args;
  const body = {
    instanceId,
    apiToken,
    ...(apiUrl === undefined ? {} : { apiUrl }),
    ...(relink ? { relink } : {}),
    ...(expectedPhone === undefined ? {} : { expectedPhone }),
  };
  try {
    const session = await createSession({ ...access, signal }, body, args.timeoutSeconds + MARGIN_SECONDS);
    if (session.isNew) releasers.push('session', () => cancel(session));
    else if (relink || expectedPhone !== undefined) throw alreadyLive(session.sessionId);
    return session;
  } catch (error) {
    throw error instanceof GatewayError ? toLoginError(error) : error;
  }

  async function cancel({ sessionId }: StartedSession): Promise<void> {
    try {
      await cancelSession(access, sessionId);
    } catch (error) {
      log.warn(errorFields(error), 'the session was not cancelled; it expires by itself');
    }
  }
}

function alreadyLive(sessionId: string): LoginError {
  const detail = `session ${sessionId} of this instance is live, and --relink and --expected-phone cannot be applied to it; DELETE it first`;
  return new LoginError('session_live', detail, EXITS.fault.code);
}

export function toLoginError({ code, message, connection }: GatewayError): LoginError {
  switch (code) {
    case 'unauthenticated':
    case 'forbidden':
      return new LoginError(code, `the gateway does not accept the API key: ${message}`, EXITS.credentials.code);
    case 'webhook_url_differs':
      return new LoginError(code, 'the instance notifies another address; --replace-url replaces it', EXITS.fault.code);
    case 'upstream_not_allowed':
      return usageError(`--api-url: ${message}`);
    default:
      return new LoginError(code, message, EXITS.fault.code, connection);
  }
}
