/**
 * Answers requests to an address that is almost the one for notifications: with 404 and a text that
 * shows the right address. The provider holds back all later notifications meanwhile, so the
 * operator is warned as well, once a minute for each kind of mistake. Nothing is looked up, and
 * nothing of the request is repeated.
 */

import type { IncomingMessage } from 'node:http';
import { RefusedError } from '@qrcast/core/errors';
import {
  isNotificationPath,
  judgeNotificationPath,
  NOTIFICATION_MISSES,
  type NotificationMiss,
  notificationUrl,
} from '@qrcast/core/notification-address';
import type { Logger } from '@qrcast/runtime/log';
import { createThrottledWarning } from '../limits/throttled-warning.ts';
import { hasReadableQuery, namesSecret, pathOf } from './request-rules.ts';

export interface NotificationMissesDeps {
  /** Where the provider reaches us; null if that is not known. */
  readonly publicUrl: string | null;
  readonly log: Logger;
  /** Ms; need not be the time of day. */
  readonly now: () => number;
}

/**
 * Returns null for any other request. Call it before the body is read: the body may be large or
 * unreadable.
 */
export type RefuseMiss = (request: Pick<IncomingMessage, 'method' | 'url'>) => RefusedError | null;

export function createNotificationMisses({ publicUrl, log, now }: NotificationMissesDeps): RefuseMiss {
  const right = `POST ${notificationUrl(publicUrl ?? '', '<tenant id>')}`;
  const kinds = Object.keys(NOTIFICATION_MISSES) as NotificationMiss[]; // the table's own keys
  const warnings = new Map(
    kinds.map((miss) => {
      const words = `notifications to a wrong address are answered 404: the path ${NOTIFICATION_MISSES[miss]}; set webhookUrl to the right one`;
      return [miss, createThrottledWarning({ log: log.child({ miss, right }), now }, words)];
    }),
  );
  return ({ method = '', url }) => {
    const path = pathOf(url);
    const miss = judgeNotificationPath(method, path) ?? (isNotificationPath(path) ? missOfQuery(url) : null);
    if (miss === null) return null;
    warnings.get(miss)?.();
    return new RefusedError('not_found', `expected notifications as ${right}; this path ${NOTIFICATION_MISSES[miss]}`);
  };
}

function missOfQuery(url: string | undefined): NotificationMiss | null {
  if (namesSecret(url)) return 'secret_in_query';
  return hasReadableQuery(url) ? null : 'unreadable_query';
}
