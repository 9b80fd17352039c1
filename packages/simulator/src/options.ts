/** The options of a simulator. Each has a default, so a test sets only what it is about. */
import type { InstanceState } from './states.ts';

export interface SimulatorOptions {
  /**
   * The address to listen on. Default: the loopback address, because the control API has no
   * password.
   */
  readonly host?: string;
  /** 0 takes a free port, which is then in `Simulator.url`. */
  readonly port?: number;
  /** How long one code is shown, ms. */
  readonly rotateMs?: number;
  /**
   * Unix ms. The clock of codes, rate limits, restarts and timestamps. A stopped clock stops all of
   * them.
   */
  readonly now?: () => number;
  /** The pause after a webhook that was not answered with 200, ms. */
  readonly webhookRetryMs?: number;
  /** How long to wait for the answer of a webhook, ms. */
  readonly webhookTimeoutMs?: number;
  /** `false` lets clients call without a rate limit. */
  readonly enforceRateLimit?: boolean;
  /**
   * How long an instance is `starting` after a logout, a reboot or setSettings (the provider takes
   * up to five minutes), ms.
   */
  readonly startingMs?: number;
  /**
   * How long after setSettings getSettings returns the old settings, ms. The provider may show new
   * ones late, or never.
   */
  readonly settingsMs?: number;
  /** Makes ids, tokens and codes the same in every run. Random if missing. */
  readonly seed?: string;
  /**
   * For load tests: draws this many codes at the start, and all instances share them. 0 gives every
   * instance its own codes.
   */
  readonly codePool?: number;
  /**
   * How many requests and webhook deliveries are remembered per instance. The oldest are dropped.
   */
  readonly logLimit?: number;
  /** Allows the partner methods with this token. Without it they refuse every call. */
  readonly partnerToken?: string;
  /**
   * The changes of state that are sent by webhook. It is not known whether the provider sends the
   * others, so by default they are not sent.
   */
  readonly announcedStates?: readonly InstanceState[];
}

/**
 * The provider's own numbers, if published: 180 s and 60 s for webhooks. `rotateMs` is that of its
 * other messengers.
 */
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

/** The options with all defaults. */
export type Settled = Required<Omit<SimulatorOptions, 'partnerToken'>> & Pick<SimulatorOptions, 'partnerToken'>;
