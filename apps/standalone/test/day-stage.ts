/**
 * For the test of a day: two gateways and two workers that are replaced one by one, and a Prometheus
 * that scrapes each process under a name of its own, as an orchestrator's discovery names them.
 */

import { createReleasers } from '@qrcast/runtime/releasers';
import type { Span } from '../chaos/checker.ts';
import { type FaultStage, type FaultStageOptions, openFaultStage } from './fault-stage.ts';
import { type MetricsFront, openMetricsFront } from './metrics-front.ts';
import { untilScraped } from './monitored-stage.ts';
import { type Prometheus, type PrometheusOptions, startPrometheus } from './prometheus.ts';
import type { StagedRole } from './staged-role.ts';

export interface DayStage extends FaultStage {
  readonly prometheus: Prometheus;
  readonly roles: readonly StagedRole[];
  /** The number of a gateway that is not being replaced now. They take turns. */
  gatewayUp(): number;
  /** How Prometheus names the process that runs now. */
  instanceOf(role: StagedRole): string;
  /** SIGTERM, and a new process at the same address. Resolves once it is ready. */
  replace(role: StagedRole): Promise<void>;
  /** When a process ran whose counts Prometheus may have missed, Unix ms. */
  unscraped(): Promise<readonly Span[]>;
}

export type DayStageOptions = Omit<FaultStageOptions, 'gateways' | 'workers'> & Omit<PrometheusOptions, 'ports'>;

/** One process, from its start to its end. */
interface Life {
  readonly front: MetricsFront;
  startedAt: number;
  endedAt: number | null;
}

const LIVES = 2;
const now = (): number => performance.timeOrigin + performance.now();

/** Resolves once every process was scraped. */
export async function openDayStage(options: DayStageOptions): Promise<DayStage> {
  const releasers = createReleasers();
  try {
    const env = { QRCAST_METRICS_PORT: '0', ...options.env };
    const stage = await openFaultStage({ ...options, gateways: 2, workers: 2, env });
    releasers.push('stage', () => stage.close());
    const roles = [...stage.gateways, ...stage.workers];
    const lives = new Map(await Promise.all(roles.map(async (role) => [role, await openLives()] as const)));
    const fronts = [...lives.values()].flat().map(({ front }) => front);
    for (const front of fronts) releasers.push('front', () => front.close());
    for (const role of roles) await begin(role, lives.get(role)?.[0], 0);
    const prometheus = await startPrometheus(releasers, { ...options, ports: fronts.map(({ port }) => port) });
    await untilScraped(prometheus, roles.length);
    return { ...stage, ...createReplacing(stage, lives, prometheus), prometheus, roles, close: () => releasers.release() };
  } catch (error) {
    await releasers.release();
    throw error;
  }
}

const openLives = async (): Promise<Life[]> =>
  Promise.all(Array.from({ length: LIVES }, async () => ({ front: await openMetricsFront(), startedAt: 0, endedAt: null })));

/** `from`: the number of lines that its former lives have logged. */
async function begin(role: StagedRole, life: Life | undefined, from: number): Promise<void> {
  if (life === undefined) throw new Error(`a role has ${LIVES} lives`);
  life.startedAt = now();
  const { port } = await role.untilLine((line) => line.msg === 'metrics are served' && role.lines().indexOf(line) >= from);
  life.front.open(Number(port));
}

function createReplacing({ gateways, workers }: FaultStage, lives: ReadonlyMap<StagedRole, readonly Life[]>, prometheus: Prometheus) {
  const away = new Set<StagedRole>();
  let turn = 0;
  const isOver = ({ endedAt }: Life): boolean => endedAt !== null;
  const present = (role: StagedRole): Life => lives.get(role)?.find((life) => !isOver(life)) ?? noLife();
  const instanceAt = ({ front: { port } }: Life): string => `127.0.0.1:${port}`;
  return {
    gatewayUp(): number {
      const up = [...gateways.keys()].filter((i) => !away.has(gateways[i] as StagedRole)); // one of its keys
      return up[turn++ % up.length] ?? 0;
    },
    instanceOf: (role: StagedRole): string => instanceAt(present(role)),
    async replace(role: StagedRole): Promise<void> {
      away.add(role);
      const life = present(role);
      life.front.expectEnd();
      await role.stop();
      life.endedAt = now();
      const next = begin(role, present(role), role.lines().length);
      await Promise.all([next, role.restart()]);
      await role.untilReadyz(200);
      away.delete(role);
    },
    async unscraped(): Promise<readonly Span[]> {
      const begun = [...gateways, ...workers].flatMap((role) => lives.get(role)?.filter(({ startedAt }) => startedAt > 0) ?? []);
      return (await Promise.all(begun.map(async (life) => missedOf(life, await prometheus.sampledAt(build(instanceAt(life))))))).flat();
    },
  };
}

const build = (instance: string): string => `qrcast_build_info{instance="${instance}"}`;

/**
 * Before its first scrape and after its last. One scrape more on each side: what viewers and the
 * provider see, and what is counted, is not the same moment.
 */
function missedOf({ startedAt, endedAt }: Life, scrapes: readonly number[]): readonly Span[] {
  const [second, secondLast] = [scrapes.at(1), scrapes.at(-2)];
  if (second === undefined || secondLast === undefined) return [{ from: startedAt, to: endedAt ?? now() }];
  return [{ from: startedAt, to: second }, ...(endedAt === null ? [] : [{ from: secondLast, to: endedAt }])];
}

function noLife(): never {
  throw new Error(`a role is replaced ${LIVES - 1} times at most`);
}
