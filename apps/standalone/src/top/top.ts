/** `qrcast top`: the sessions of a running gateway, live on a terminal, or for a program. */

import { setTimeout as pause } from 'node:timers/promises';
import type { WriteStream } from 'node:tty';
import type { TopArguments } from '../cli-arguments.ts';
import { EXITS, LoginError } from '../login/ending.ts';
import type { Input } from '../login/input.ts';
import type { Secrets } from '../login/secrets.ts';
import { openPainter } from '../painter.ts';
import { GatewayError } from '../start/session.ts';
import { jsonLine } from '../terminal-text.ts';
import { followOverview, type OverviewSource, readFirst } from './follow-overview.ts';
import { afterMessage, NOTHING_YET, type Overview } from './overview.ts';
import { frameOf, plainText } from './screen.ts';

export interface TopDeps {
  readonly stdout: WriteStream;
  readonly input: Pick<Input, 'onKey'>;
  readonly secrets: Pick<Secrets, 'apiKey' | 'adminKey'>;
  /** Whether the screen may be painted. */
  readonly isLive: boolean;
  readonly colours: boolean;
  readonly signal: AbortSignal;
}

/**
 * Resolves to the status to exit with. The terminal is as before when it settles.
 *
 * @throws {LoginError} in the words of the gateway, or the reason of the signal
 */
export async function runTop(deps: TopDeps, args: TopArguments): Promise<number> {
  const { stdout, secrets, isLive, signal } = deps;
  const { scope, json } = args;
  const apiKey = await (scope.kind === 'own' ? secrets.apiKey(signal) : secrets.adminKey(signal));
  const source = { access: { url: args.gateway, apiKey, signal }, path: pathOf(scope) };
  try {
    if (args.once || !(json || isLive)) {
      const first = await readFirst(source);
      const plain = (): string => `${plainText(afterMessage(NOTHING_YET, first), scope.kind === 'all')}\n`;
      stdout.write(json ? jsonLine('sessions', first) : plain());
    } else if (json) await tellChanges(source, stdout);
    else await showLive(deps, args, source);
    return EXITS.connected.code;
  } catch (error) {
    throw error instanceof GatewayError ? refusalOf(error, scope) : error;
  }
}

/** Ends only with the signal or a refusal. */
async function tellChanges(source: OverviewSource, stdout: WriteStream): Promise<never> {
  return followOverview(source, {
    ...TIMES,
    onMessage: (message) => void stdout.write(jsonLine('sessions', message)),
    onLost: () => void stdout.write(jsonLine('retrying')),
  });
}

/** Resolves when the person has pressed q. */
async function showLive(
  { stdout, input, colours, signal }: TopDeps,
  { gateway, scope }: TopArguments,
  source: OverviewSource,
): Promise<void> {
  let overview: Overview | null = null;
  let toldAt = 0;
  let isLost = false;
  const over = new AbortController();
  const painter = openPainter({
    stdout,
    frameOf: (size) => {
      const now = (overview?.at ?? 0) + performance.now() - toldAt;
      return frameOf({ ...size, colours, gateway, whose: whoseText(scope), hasTenants: scope.kind === 'all', overview, isLost, now });
    },
  });
  const undo = input.onKey((key) => {
    if (key === 'q') over.abort();
  });
  const access = { ...source.access, signal: AbortSignal.any([signal, over.signal]) };
  try {
    await followOverview(
      { ...source, access },
      {
        ...TIMES,
        onMessage(message) {
          [overview, toldAt, isLost] = [afterMessage(overview ?? NOTHING_YET, message), performance.now(), false];
          painter.paint();
        },
        onLost() {
          isLost = true;
          painter.paint();
        },
      },
    );
  } catch (error) {
    if (!over.signal.aborted) throw error;
  } finally {
    undo();
    painter.close();
  }
}

const TIMES = {
  delay: (ms: number, signal: AbortSignal): Promise<void> => pause(ms, undefined, { signal }),
  random: Math.random,
};

function pathOf(scope: TopArguments['scope']): string {
  switch (scope.kind) {
    case 'own':
      return '/v1/overview';
    case 'all':
      return '/v1/admin/overview';
    case 'tenant':
      return `/v1/admin/overview?tenantId=${encodeURIComponent(scope.tenantId)}`;
    default:
      return scope satisfies never;
  }
}

function whoseText(scope: TopArguments['scope']): string {
  if (scope.kind === 'tenant') return `tenant ${scope.tenantId}`;
  return scope.kind === 'all' ? 'all tenants' : 'the tenant of the API key';
}

function refusalOf({ code, message, connection }: GatewayError, scope: TopArguments['scope']): LoginError {
  if (code !== 'unauthenticated' && code !== 'forbidden') return new LoginError(code, message, EXITS.fault.code, connection);
  const key = scope.kind === 'own' ? 'API key' : 'admin key';
  return new LoginError(code, `the gateway does not accept the ${key}: ${message}`, EXITS.credentials.code);
}
