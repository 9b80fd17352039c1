/**
 * `/v1/statistics`, `/v1/admin/statistics` and `/v1/admin/weather`: how far logins came, and how the
 * provider answered.
 */

import { parseRequest } from '@qrcast/core/requests';
import { readAnyStatisticsSchema, readStatisticsSchema } from '@qrcast/core/statistics';
import { readWeatherSchema, type Weather } from '@qrcast/core/weather';
import type { StatisticsReader } from '@qrcast/runtime/statistics/statistics';
import type { FastifyInstance } from 'fastify';
import { type Auth, requireTenant } from '../auth/auth.ts';

export interface StatisticsRoutesDeps {
  readonly auth: Auth;
  readonly statistics: Pick<StatisticsReader, 'read'>;
  readonly readWeather: (minutes: number) => Promise<Weather>;
}

export function addStatisticsRoutes(app: FastifyInstance, { auth, statistics, readWeather }: StatisticsRoutesDeps): void {
  app.get('/v1/statistics', async ({ headers, query }) => {
    const { tenantId } = requireTenant(await auth.identify(headers.authorization, headers.origin));
    return statistics.read(tenantId, parseRequest(readStatisticsSchema, query).hours);
  });

  app.get('/v1/admin/statistics', async ({ headers, query }) => {
    auth.requireAdmin(headers.authorization);
    const { hours, tenantId = null } = parseRequest(readAnyStatisticsSchema, query);
    return statistics.read(tenantId, hours);
  });

  app.get('/v1/admin/weather', async ({ headers, query }) => {
    auth.requireAdmin(headers.authorization);
    return readWeather(parseRequest(readWeatherSchema, query).minutes);
  });
}
