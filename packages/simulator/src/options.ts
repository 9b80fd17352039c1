/** What a simulator can be told when it is opened. Every option has a default, so tests name only what they are about. */
import type { InstanceState } from './states.ts';

export interface SimulatorOptions {
  /** Address to listen on; the loopback, as the control API knows no password. */
  readonly host?: string;
  /** 0 takes a free port; `Simulator.url` tells which. */
  readonly port?: number;
  /** How long one code is shown, ms. */
  readonly rotateMs?: number;
  /** Unix time in ms; the clock of codes, rate limits, restarts and timestamps. A frozen clock freezes all of them. */
  readonly now?: () => number;
  /** Pause after a webhook that was not answered with 200, ms. */
  readonly webhookRetryMs?: number;
  /** How long a webhook's answer is waited for, ms. */
  readonly webhookTimeoutMs?: number;
  /** `false` lets clients call as often as they like. */
  readonly enforceRateLimit?: boolean;
  /** How long an instance is `starting` after a logout, a reboot or setSettings (the provider takes up to five minutes), ms. */
  readonly startingMs?: number;
  /** How long after setSettings the settings still read as before, ms: the provider is known to show them late, or never. */
  readonly settingsMs?: number;
  /** Makes ids, tokens and codes the same in every run; random if not given. */
  readonly seed?: string;
  /** Renders this many codes at once and shares them among all instances in turn; 0 gives every instance codes of its own. For load. */
  readonly codePool?: number;
  /** Requests and webhook deliveries remembered per instance; the oldest go first. */
  readonly logLimit?: number;
  /** Opens the partner methods to this token; without one they refuse everybody. */
  readonly partnerToken?: string;
  /** Which changes of state are told by webhook. Whether the provider tells the others is not established, so by default it does not. */
  readonly announcedStates?: readonly InstanceState[];
}

/** The vendor's own figures where it publishes them: 180 s and 60 s for webhooks. The rotation is that of its other messengers. */
export const SIMULATOR_DEFAULTS = {
  host: '127.0.0.1',
  port: 0,
  rotateMs: 20_000,
  now: Date.now,
  webhookRetryMs: 60_000,
  webhookTimeoutMs: 180_000,
  enforceRateLimit: true,
  startingMs: 2_000,
  settingsMs: 0,
  codePool: 0,
  logLimit: 1_000,
  announcedStates: ['notAuthorized', 'authorized', 'blocked', 'suspended'],
} as const satisfies SimulatorOptions;

/** Options with every default filled in. */
export type Settled = Required<Omit<SimulatorOptions, 'partnerToken'>> & Pick<SimulatorOptions, 'partnerToken'>;
