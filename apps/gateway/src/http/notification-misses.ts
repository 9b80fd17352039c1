/**
 * Requests to an address that is nearly the one for notifications: 404 in words that show the right one. The provider holds back what follows,
 * so the operator is told, too, once a minute for each kind of mistake. Nothing is looked up, and nothing of the request is repeated.
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
  /** Where the provider reaches us; null where that is not known. */
  readonly publicUrl: string | null;
  readonly log: Logger;
  /** Ms; need not be the time of day. */
  readonly now: () => number;
}

/** Null: it is no such request. Ask before its body is read: it may be large, or none that can be read. */
export type RefuseMiss = (request: Pick<IncomingMessage, 'method' | 'url'>) => RefusedError | null;

export function createNotificationMisses({ publicUrl, log, now }: NotificationMissesDeps): RefuseMiss {
  const right = `POST ${notificationUrl(publicUrl ?? '', '<tenant id>')}`;
  const kinds = Object.keys(NOTIFICATION_MISSES) as NotificationMiss[]; // its own keys
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
