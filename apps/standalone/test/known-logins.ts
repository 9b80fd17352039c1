/** For tests of counts: logins that end in every way, and the steps that each of them takes. */

import type { WireSession } from '@qrcast/core/wire';
import type { Instance } from '@qrcast/simulator/instance';
import type { ProductStage } from './fault-stage.ts';
import type { RecordingClient } from './recording-client.ts';

/** Its last gateway gives an attempt only seconds. */
export type LoginStage = Pick<ProductStage, 'simulator' | 'gateways' | 'call' | 'newInstance' | 'watch'>;

export interface KnownLogin {
  /** In the order in which they are taken. `ended` has the reason. */
  readonly steps: readonly string[];
  /** Resolves once its viewer was told the end, or has gone. */
  readonly run: (stage: LoginStage) => Promise<void>;
}

interface Begun {
  readonly instance: Instance;
  readonly session: WireSession;
  readonly viewer: RecordingClient;
}

interface Beginning {
  readonly body?: Readonly<Record<string, unknown>>;
  readonly gateway?: number;
  readonly prepare?: (instance: Instance) => void;
}

/** The steps until a code is shown. */
export const SHOWN = ['watched', 'code_shown'] as const;
const PASSWORD = 'correct horse battery staple';
const is = (state: WireSession['state']) => (session: WireSession) => session.state === state;

async function begin(stage: LoginStage, { body = {}, gateway = 0, prepare }: Beginning = {}): Promise<Begun> {
  const instance = stage.newInstance();
  prepare?.(instance);
  const { idInstance: instanceId, apiToken } = instance;
  const response = await stage.call('POST', '/v1/sessions', { instanceId, apiToken, apiUrl: stage.simulator.url, ...body }, gateway);
  if (!response.ok) throw new Error(`the session was refused: ${await response.text()}`);
  const { session, ticket } = (await response.json()) as { session: WireSession; ticket: string }; // PROTOCOL.md
  return { instance, session, viewer: stage.watch(ticket, 'websocket', gateway) };
}

async function showing(stage: LoginStage, beginning?: Beginning): Promise<Begun> {
  const begun = await begin(stage, beginning);
  await begun.viewer.until(is('showing'));
  return begun;
}

/** A login that ends for `reason` as soon as the provider was asked. */
const refused = (reason: string, prepare: (instance: Instance) => void): KnownLogin => ({
  steps: ['watched', reason],
  async run(stage) {
    const { viewer } = await begin(stage, { prepare });
    await viewer.until(({ end }) => end?.reason === reason);
    await viewer.close();
  },
});

const scanned: KnownLogin = {
  steps: [...SHOWN, 'scanned', 'connected'],
  async run(stage) {
    const { instance, viewer } = await showing(stage);
    instance.scan();
    await viewer.until(is('connected'));
  },
};

const withPassword: KnownLogin = {
  steps: [...SHOWN, 'scanned', 'password', 'connected'],
  async run(stage) {
    const { instance, session, viewer } = await showing(stage);
    instance.scanWithPassword(PASSWORD);
    await viewer.until(is('password'));
    const answer = await stage.call('POST', `/v1/sessions/${session.id}/password`, { password: PASSWORD });
    if (!answer.ok) throw new Error(`the password was refused: ${await answer.text()}`);
    await viewer.until(is('connected'));
  },
};

const cancelled: KnownLogin = {
  steps: [...SHOWN, 'cancelled'],
  async run(stage) {
    const { session, viewer } = await showing(stage);
    await stage.call('DELETE', `/v1/sessions/${session.id}`);
    await viewer.until(is('ended'));
  },
};

/** The scan is seen together with its end. */
const mismatched: KnownLogin = {
  steps: [...SHOWN, 'scanned', 'account_mismatch'],
  async run(stage) {
    const { instance, viewer } = await showing(stage, { body: { expectedPhone: '70000000000' } });
    instance.scan();
    await viewer.until(({ end }) => end?.reason === 'account_mismatch');
  },
};

/** Over the last gateway. */
const late: KnownLogin = {
  steps: [...SHOWN, 'deadline'],
  async run(stage) {
    const { viewer } = await showing(stage, { gateway: stage.gateways.length - 1 });
    await viewer.until(({ end }) => end?.reason === 'deadline');
    await viewer.close();
  },
};

/** Nobody looks any more before there was a code. */
const left: KnownLogin = {
  steps: ['watched', 'unwatched'],
  async run(stage) {
    const { viewer } = await begin(stage, { prepare: (instance) => instance.fail('qr', 'errorNotReady', { times: 'always' }) });
    await viewer.until(({ notice }) => notice?.code === 'provider_not_ready');
    await viewer.close();
  },
};

/** Every end but `expired` and `provider_down`, which take more than a minute. */
export const KNOWN_LOGINS: readonly KnownLogin[] = [
  scanned,
  scanned,
  withPassword,
  cancelled,
  mismatched,
  late,
  left,
  refused('credentials_rejected', (instance) => instance.fail('*', 'empty401', { times: 'always' })),
  refused('instance_deleted', (instance) => instance.fail('*', 'deleted400', { times: 'always' })),
  refused('instance_expired', (instance) => instance.fail('*', 'expired400', { times: 'always' })),
  refused('instance_blocked', (instance) => instance.setState('blocked')),
];
