/**
 * `qrcast`: the command line. Only this file of it reads the environment, listens to signals and
 * exits. The first signal stops in order: it restores the terminal, then closes what was opened.
 * The second signal stops at once.
 */

import { constants } from 'node:os';
import type { ProxyRoute } from '@qrcast/core/http-proxy';
import { defaultApiUrl } from '@qrcast/core/upstream';
import { createLog, errorFields } from '@qrcast/runtime/log';
import { readVariable } from '@qrcast/runtime/process/environment';
import { betterNodeThan } from '@qrcast/runtime/process/node-version';
import { findProxyWarnings, proxyWarningText } from '@qrcast/runtime/process/proxy-log';
import { proxyRoute } from '@qrcast/runtime/process/proxy-settings';
import { readSettings } from '@qrcast/runtime/process/settings';
import { findUnknownSettings, unknownSettingText } from '@qrcast/runtime/process/unknown-settings';
import { createReleasers } from '@qrcast/runtime/releasers';
import packageJson from '../package.json' with { type: 'json' };
import { type LoginArguments, parseCommand, type TenantsArguments, type TopArguments, type WebhookArguments } from './cli-arguments.ts';
import { HELP } from './cli-help.ts';
import { runDoctor } from './doctor/doctor.ts';
import { EXITS, InterruptedError } from './login/ending.ts';
import { createInput, type Input } from './login/input.ts';
import { runLogin, toLoginError } from './login/login.ts';
import { createReport } from './login/report.ts';
import { openSecrets, type Secrets, takeSecrets } from './login/secrets.ts';
import { LOGIN_SETTINGS } from './login/stack.ts';
import { reachGateways } from './reach-gateways.ts';
import { ROTATE_REQUIRED, ROTATE_SETTINGS, runRotateKeys } from './rotate-keys.ts';
import { GatewayError } from './start/session.ts';
import { runTenants } from './tenants-command.ts';
import { runTop } from './top/top.ts';
import { runWebhook } from './webhook-command.ts';

/** How long an orderly stop may take. */
const STOP_MS = 10_000;

const { stdin, stdout, stderr, env } = process;
const argv = process.argv.slice(2);
const writeError = (text: string): void => void stderr.write(text);
const report = createReport({ json: argv.includes('--json'), write: (text) => void stdout.write(text), writeError });
const releasers = createReleasers();
const stopping = new AbortController();

/** @param reason what is reported */
function stop(reason: unknown, exitCode: number): void {
  if (stopping.signal.aborted) process.exit(exitCode);
  setTimeout(() => process.exit(exitCode), STOP_MS).unref();
  stopping.abort(reason);
}

function stopBySignal(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): void {
  const exitCode = 128 + constants.signals[signal];
  stop(new InterruptedError(exitCode), exitCode);
}

function tellOldNode(): void {
  const better = betterNodeThan(process.versions.node);
  if (better !== null) writeError(`qrcast: this Node (${process.versions.node}) has known security holes; use ${better} or newer\n`);
}

function tellUnknownSettings(): void {
  for (const unknown of findUnknownSettings(Object.keys(env))) writeError(`qrcast: ${unknownSettingText(unknown)}\n`);
}

function tellProxies(route: ProxyRoute | null, usedFor: string, url: string): void {
  const isUsed = route !== null && url.startsWith('https:') && !route.isDirect(url);
  if (isUsed) writeError(`qrcast: ${route.proxy.address} is the proxy for ${usedFor} (HTTPS_PROXY)\n`);
  for (const warning of findProxyWarnings(env)) writeError(`qrcast: ${proxyWarningText(warning)}\n`);
}

function screenOf(): { readonly isLive: boolean; readonly colours: boolean } {
  const isLive = stdout.isTTY && env['TERM'] !== 'dumb';
  return { isLive, colours: isLive && (env['NO_COLOR'] ?? '') === '' };
}

async function login(args: LoginArguments): Promise<number> {
  const variables = takeSecrets(env, ['GREEN_API_TOKEN', 'QRCAST_API_KEY', 'QRCAST_ACCOUNT_PASSWORD']);
  const settings = readSettings(env, LOGIN_SETTINGS);
  reachGateways(env, args.gateway !== undefined);
  const route = proxyRoute(settings.HTTPS_PROXY, settings.NO_PROXY);
  if (args.gateway === undefined) tellProxies(route, 'the provider', args.apiUrl ?? defaultApiUrl(args.instanceId));
  else tellProxies(route, 'the gateway', args.gateway);
  const isQuiet = readVariable(env, 'QRCAST_LOG_LEVEL') === undefined;
  const log = createLog('qrcast', isQuiet ? 'silent' : settings.QRCAST_LOG_LEVEL, stderr);
  const input = createInput({ stdin, onInterrupt: () => stopBySignal('SIGINT') });
  releasers.push('input', () => input.close());
  const { isLive, colours } = screenOf();
  const ending = await runLogin(
    {
      stdout,
      ask: writeError,
      input,
      secrets: await openSecrets({ variables, input, ask: writeError }, args),
      settings,
      path: env['PATH'] ?? '',
      isLive: isLive && (isQuiet || !stderr.isTTY),
      colours,
      log,
      releasers,
      signal: stopping.signal,
    },
    args,
  );
  return report.ended(ending);
}

interface GatewayCommand {
  readonly gateway: string;
  readonly instanceId?: string | undefined;
  readonly tokenFile?: string | undefined;
}

/** The secrets of a command that calls a gateway elsewhere, and the keyboard for those that are asked for. */
async function secretsFor(
  { gateway, instanceId, tokenFile }: GatewayCommand,
  used: Parameters<typeof takeSecrets>[1],
): Promise<{ readonly secrets: Secrets; readonly input: Input }> {
  const variables = takeSecrets(env, used);
  const settings = readSettings(env, ['HTTPS_PROXY', 'NO_PROXY']);
  reachGateways(env, true);
  tellProxies(proxyRoute(settings.HTTPS_PROXY, settings.NO_PROXY), 'the gateway', gateway);
  const input = createInput({ stdin, onInterrupt: () => stopBySignal('SIGINT') });
  releasers.push('input', () => input.close());
  const secrets = await openSecrets({ variables, input, ask: writeError }, { instanceId, tokenFile, passwordFile: undefined });
  return { secrets, input };
}

async function webhook(args: WebhookArguments): Promise<number> {
  const { secrets } = await secretsFor(args, ['GREEN_API_TOKEN', 'QRCAST_API_KEY', 'QRCAST_WEBHOOK_TOKEN']);
  return runWebhook({ secrets, write: (text) => void stdout.write(text), signal: stopping.signal }, args).catch((error: unknown) => {
    throw error instanceof GatewayError ? toLoginError(error) : error;
  });
}

async function tenants(args: TenantsArguments): Promise<number> {
  const { secrets } = await secretsFor(args, ['QRCAST_ADMIN_KEY']);
  return runTenants({ secrets, write: (text) => void stdout.write(text), signal: stopping.signal }, args);
}

async function top(args: TopArguments): Promise<number> {
  const { secrets, input } = await secretsFor(args, [args.scope.kind === 'own' ? 'QRCAST_API_KEY' : 'QRCAST_ADMIN_KEY']);
  const { isLive, colours } = screenOf();
  return runTop({ stdout, input, secrets, isLive, colours, signal: stopping.signal }, args);
}

async function main(): Promise<number> {
  const command = parseCommand(argv);
  switch (command.kind) {
    case 'help':
      stdout.write(HELP);
      return EXITS.connected.code;
    case 'version':
      stdout.write(`${packageJson.version}\n`);
      return EXITS.connected.code;
    case 'login':
      tellOldNode();
      tellUnknownSettings();
      return login(command.arguments);
    case 'webhook':
      tellOldNode();
      tellUnknownSettings();
      return webhook(command.arguments);
    case 'tenants':
      tellOldNode();
      tellUnknownSettings();
      return tenants(command.arguments);
    case 'top':
      tellOldNode();
      tellUnknownSettings();
      return top(command.arguments);
    case 'rotate-keys':
      tellOldNode();
      tellUnknownSettings();
      return runRotateKeys(
        {
          settings: readSettings(env, ROTATE_SETTINGS, ROTATE_REQUIRED),
          write: (text) => void stdout.write(text),
          log: createLog('qrcast', 'warn', stderr),
          releasers,
        },
        command.isCheck,
      );
    case 'doctor':
      return runDoctor(
        { env, nodeVersion: process.versions.node, write: (text) => void stdout.write(text), releasers, signal: stopping.signal },
        command.json,
      );
    default:
      return command satisfies never;
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopBySignal(signal));
process.on('uncaughtException', (error) => stop(error, EXITS.fault.code));
stderr.on('error', () => undefined); // the result goes to stdout
// The reader has closed the pipe, as `head` does, so nobody would read more.
stdout.on('error', (error) => (stopping.signal.aborted ? undefined : stop(error, EXITS.fault.code)));

const exitCode = await main().catch((error: unknown) => report.failed(stopping.signal.aborted ? stopping.signal.reason : error));
await releasers.release().catch((error: unknown) => writeError(`qrcast: ${errorFields(error).error}\n`));
process.exit(exitCode);
