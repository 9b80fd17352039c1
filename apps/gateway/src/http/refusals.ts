/** Turns errors into refusals, and counts them. */

import { RefusedError } from '@qrcast/core/errors';
import { errorFields, type Logger } from '@qrcast/runtime/log';
import type { Meters } from '@qrcast/runtime/metrics/meters';
import { METRICS } from '@qrcast/runtime/metrics/metric-table';

export interface RefusalDeps {
  readonly log: Logger;
  readonly meters: Meters;
}

export const BODY_LIMIT_BYTES = 64 * 1024;

/**
 * An error that is no refusal is a fault of ours or of Redis: it is logged, and its text is not sent.
 */
export function refusalOf(error: unknown, deps: RefusalDeps, where: string | undefined, bodyLimit = BODY_LIMIT_BYTES): RefusedError {
  const refusal = error instanceof RefusedError ? error : refusalOfFault(error, deps.log, where, bodyLimit);
  countRefusal(deps, refusal);
  return refusal;
}

/** Call it once for each refusal that `refusalOf` does not see. */
export function countRefusal({ meters }: Pick<RefusalDeps, 'meters'>, { code, limit }: RefusedError): void {
  meters.counter('qrcast_refusals_total', { code, limit: limit ?? '' }).add();
}

/**
 * Begins the series of refusals with 0, so that the first of each is seen as growth. The table of
 * metrics does not know which limit comes with which code.
 */
export function beginRefusals(meters: Pick<Meters, 'counter'>): void {
  const { code: codes, limit: limits } = METRICS.qrcast_refusals_total.labels;
  for (const code of codes) meters.counter('qrcast_refusals_total', { code, limit: '' });
  for (const limit of limits) {
    const code = limit.endsWith('PerMinute') ? 'too_many_requests' : 'tenant_limit_reached';
    meters.counter('qrcast_refusals_total', { code, limit });
  }
}

function refusalOfFault(error: unknown, log: Logger, where: string | undefined, bodyLimit: number): RefusedError {
  const { code, statusCode } = error as { code?: string; statusCode?: number };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new RefusedError('body_too_large', `expected a body of at most ${bodyLimit} bytes`);
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new RefusedError('invalid_request', 'expected the header Content-Type: application/json');
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new RefusedError('invalid_request', 'the body could not be read; expected one JSON object in UTF-8');
  }
  log.error({ where, ...errorFields(error) }, 'a request failed');
  return new RefusedError('unavailable', 'the service cannot answer now; try again', { retryAfterMs: 1_000 });
}
