/**
 * Every metric of qrcast, named once: its type, what it says, its labels, and who has it. The code
 * counts by these names, and METRICS.md is made of this table (metrics-document.ts).
 */

import type { Metric } from './metric.ts';
import { GATEWAY_METRICS, SOCKET_IO_METRICS } from './metrics-gateway.ts';
import { LOGIN_METRICS, PROCESS_METRICS, REDIS_METRICS } from './metrics-shared.ts';
import { BULLMQ_METRICS, WORKER_METRICS } from './metrics-worker.ts';

export interface MetricSection {
  readonly title: string;
  readonly intro: string;
  readonly metrics: Readonly<Record<string, Metric>>;
}

/** As the document shows them. */
export const METRIC_SECTIONS: readonly MetricSection[] = [
  {
    title: 'Logins',
    intro:
      'An attempt is one try of a person to log in. It begins when somebody looks, and each step is counted once, by the process that stores it.',
    metrics: LOGIN_METRICS,
  },
  { title: 'Viewers and calls', intro: 'Of each gateway.', metrics: GATEWAY_METRICS },
  { title: 'Polls, codes and callbacks', intro: 'Of each worker.', metrics: WORKER_METRICS },
  { title: 'Redis', intro: 'Of each process.', metrics: REDIS_METRICS },
  {
    title: 'Process',
    intro: 'Beside these, each process has `process_…` and `nodejs_…` as prom-client defines them.',
    metrics: PROCESS_METRICS,
  },
  {
    title: 'As other boards know them',
    intro:
      'The names of stock boards for Socket.IO and BullMQ. A job is a tick of the poll queue or a callback, so the metrics above say more.',
    metrics: { ...SOCKET_IO_METRICS, ...BULLMQ_METRICS },
  },
];

export const METRICS = {
  ...LOGIN_METRICS,
  ...GATEWAY_METRICS,
  ...WORKER_METRICS,
  ...REDIS_METRICS,
  ...PROCESS_METRICS,
  ...SOCKET_IO_METRICS,
  ...BULLMQ_METRICS,
} as const;
