/** For tests: the whole product in processes of its own, and a Prometheus that scrapes each of them. */

import { setTimeout as delay } from 'node:timers/promises';
import { createReleasers } from '@qrcast/runtime/releasers';
import { type FaultStage, type FaultStageOptions, openFaultStage } from './fault-stage.ts';
import { type Labels, type Prometheus, type PrometheusOptions, startPrometheus } from './prometheus.ts';
import type { Environment } from './role-process.ts';
import type { StagedRole } from './staged-role.ts';

export interface MonitoredStage extends FaultStage {
  readonly prometheus: Prometheus;
  /** How Prometheus names the process. */
  instanceOf(role: StagedRole): string;
  /** Starts it again after it has ended, with its metrics at the same port. */
  restart(role: StagedRole): Promise<void>;
}

export interface MonitoredStageOptions extends FaultStageOptions, Omit<PrometheusOptions, 'ports'> {
  /** Settings of one gateway more, which is the last. */
  readonly oddGateway?: Environment;
}

const LOOK_AGAIN_MS = 100;
/** Less than a test may take: a stage that never opens is closed by whoever opens it. */
const SCRAPED_WITHIN_MS = 120_000;

/** Resolves once every process was scraped. */
export async function openMonitoredStage({ oddGateway, ...options }: MonitoredStageOptions): Promise<MonitoredStage> {
  const releasers = createReleasers();
  const gateways = (options.gateways ?? 1) + (oddGateway === undefined ? 0 : 1);
  const stage = await openFaultStage({ ...options, gateways, env: { QRCAST_METRICS_PORT: '0', ...options.env } });
  releasers.push('stage', () => stage.close());
  try {
    const roles = [...stage.gateways, ...stage.workers];
    const ports = new Map(await Promise.all(roles.map(async (role) => [role, await metricsPortOf(role)] as const)));
    const restart = (role: StagedRole, changed: Environment = {}): Promise<void> =>
      role.restart({ QRCAST_METRICS_PORT: String(ports.get(role)), ...changed });
    if (oddGateway !== undefined) {
      const odd = stage.gateways.at(-1) ?? stage.gateways[0];
      await odd.stop();
      await restart(odd, oddGateway);
    }
    const prometheus = await startPrometheus(releasers, { ...options, ports: [...ports.values()] });
    await untilScraped(prometheus, roles.length);
    return {
      ...stage,
      prometheus,
      instanceOf: (role) => `127.0.0.1:${ports.get(role)}`,
      restart: (role) => restart(role),
      close: () => releasers.release(),
    };
  } catch (error) {
    await releasers.release();
    throw error;
  }
}

async function metricsPortOf(role: StagedRole): Promise<number> {
  const { port } = await role.untilLine(({ msg }) => msg === 'metrics are served');
  return Number(port);
}

/**
 * Resolves once `count` processes that are ready were scraped. A count that was there before the
 * first scrape has not grown, as Prometheus sees it.
 */
export async function untilScraped({ ask }: Prometheus, count: number): Promise<void> {
  const scraped = async (): Promise<number> => (await ask('qrcast_ready{job="qrcast"} == 1')).length;
  const limit = AbortSignal.timeout(SCRAPED_WITHIN_MS);
  while ((await scraped()) < count) {
    limit.throwIfAborted();
    await delay(LOOK_AGAIN_MS);
  }
}

/** The names of the alerts that fire now, each once. */
export async function namesFiring({ firing }: Prometheus): Promise<readonly string[]> {
  return [...new Set((await firing()).map(({ alertname = '' }) => alertname))].sort();
}

/** The names of the alerts that fire now or have fired before, each once. */
export async function haveFired({ ask }: Prometheus): Promise<readonly string[]> {
  const samples = await ask('count by (alertname) (count_over_time(ALERTS{alertstate="firing"}[1h]))');
  return samples.map(({ labels: { alertname = '' } }) => alertname).sort();
}

/** Whether an alert fires now, with these labels. */
export async function fires({ firing }: Prometheus, alertname: string, labels: Labels = {}): Promise<boolean> {
  const wanted = Object.entries({ alertname, ...labels });
  return (await firing()).some((alert) => wanted.every(([label, value]) => alert[label] === value));
}
