/** Tells Prometheus what `/readyz` tells a balancer. */

import type { Meters } from '../metrics/meters.ts';
import type { MetricOwner } from '../metrics/metric.ts';

/** Returns what to call when the process begins to drain: then it is neither ready nor in need of help. */
export function addReadyGauge(meters: Meters, role: MetricOwner, ready: () => Promise<void>): () => void {
  return meters.gauge('qrcast_ready', async () => {
    const isReady = await ready().then(
      () => true,
      () => false,
    );
    return [{ labels: { role }, value: isReady ? 1 : 0 }];
  });
}
