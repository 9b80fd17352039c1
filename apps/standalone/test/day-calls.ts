/** For the test of a day: tenants that call the gateways, and every refusal that a caller was answered. */

import type { WireSession } from '@qrcast/core/wire';
import type { Instance, WebhookOptions } from '@qrcast/simulator/instance';
import type { Countable } from './day-log.ts';
import type { DayStage } from './day-stage.ts';

export interface DayTenant {
  readonly id: string;
  /** Where the provider notifies that gateway. */
  webhook(gateway: number): WebhookOptions;
  /** @throws {Error} if the gateway refuses it */
  create(instance: Instance, gateway: number): Promise<{ readonly session: WireSession; readonly ticket: string }>;
  sendPassword(sessionId: string, password: string): Promise<void>;
  resume(sessionId: string): Promise<void>;
  /** Does not count as watching. */
  find(sessionId: string): Promise<WireSession>;
}

export interface DayCalls {
  readonly refusals: readonly Countable[];
  /** @throws {Error} if no gateway can be reached */
  call(secret: string, method: string, path: string, body?: object, gateway?: number): Promise<Response>;
  /** Its callbacks go to that address. */
  createTenant(id: string, callbackUrl: string): Promise<DayTenant>;
}

const TRIES = 3;
const now = (): number => performance.timeOrigin + performance.now();

export function createCalls(stage: DayStage): DayCalls {
  const refusals: Countable[] = [];

  async function call(secret: string, method: string, path: string, body?: object, gateway = stage.gatewayUp()): Promise<Response> {
    const from = now();
    const response = await fetch(`${stage.gateways[gateway]?.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${secret}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (response.status >= 400) refusals.push({ name: await codeOf(response.clone()), from, to: now() });
    return response;
  }

  /** A gateway that has just begun to stop refuses it, and another one does not. */
  async function demand<Answer>(secret: string, method: string, path: string, body?: object, gateway?: number): Promise<Answer> {
    let response = await call(secret, method, path, body, gateway);
    for (let tries = 1; response.status === 503 && tries < TRIES; tries++) response = await call(secret, method, path, body);
    if (!response.ok) throw new Error(`${method} ${path} was refused: ${await response.text()}`);
    return (await response.json()) as Answer; // PROTOCOL.md
  }

  return {
    refusals,
    call,
    async createTenant(id, callbackUrl) {
      const { apiKey, webhookToken } = await demand<Secrets>(stage.adminKey, 'POST', '/v1/admin/tenants', { id, name: id });
      await demand(stage.adminKey, 'PATCH', `/v1/admin/tenants/${id}`, { callback: { url: callbackUrl } });
      return {
        id,
        webhook: (gateway) => ({ url: `${stage.gateways[gateway]?.url}/v1/webhooks/green-api/${id}`, token: webhookToken }),
        create: ({ idInstance: instanceId, apiToken }, gateway) =>
          demand(apiKey, 'POST', '/v1/sessions', { instanceId, apiToken, apiUrl: stage.simulator.url }, gateway),
        async sendPassword(sessionId, password) {
          const response = await call(apiKey, 'POST', `/v1/sessions/${sessionId}/password`, { password });
          if (!response.ok) throw new Error(`the password was refused: ${await response.text()}`);
        },
        async resume(sessionId) {
          await call(apiKey, 'POST', `/v1/sessions/${sessionId}/resume`); // another viewer may have been faster
        },
        find: async (sessionId) =>
          (await demand<{ session: WireSession }>(apiKey, 'GET', `/v1/sessions/${sessionId}?visible=false`)).session,
      };
    },
  };
}

interface Secrets {
  readonly apiKey: string;
  readonly webhookToken: string;
}

async function codeOf(response: Response): Promise<string> {
  return ((await response.json()) as { code: string }).code; // PROTOCOL.md
}
