/**
 * For tests of webhooks at the provider: gateways, a simulated provider with its real limits, and
 * instances with settings.
 */

import type { SetWebhookAnswer, Webhook } from '@qrcast/core/webhook-check';
import type { Instance } from '@qrcast/simulator/instance';
import type { ProviderSettings } from '@qrcast/simulator/settings';
import { openSimulator } from '@qrcast/simulator/simulator';
import { expect } from 'vitest';
import { type Answer, openTestGateway, type TestTenant } from './gateway.ts';

export const PUBLIC_URL = 'https://qrcast.example.com';
export const ELSEWHERE = 'https://elsewhere.example.com/hook';

export interface Made {
  readonly instance: Instance;
  readonly id: string;
  readonly ticket: string;
}

export type TestWebhooks = Awaited<ReturnType<typeof openTestWebhooks>>;

export const webhookPath = (id: string): string => `/v1/sessions/${id}/webhook`;
export const refusedOf = ({ status, body }: Answer) => [status, body.code];
/** How often the provider was sent settings. */
export const sent = ({ instance }: Made): number => instance.requests.filter(({ method }) => method === 'setSettings').length;

export async function openTestWebhooks() {
  const gateways = await openGateways();
  const { simulator, late, test, second, patient } = gateways;
  return {
    ...gateways,
    ...createCalls(gateways),
    async close(): Promise<void> {
      await Promise.all([test, second, patient].map((gateway) => gateway.close()));
      await Promise.all([simulator.close(), late.close()]);
    },
  };
}

async function openGateways() {
  const simulator = await openSimulator({ startingMs: 100, webhookRetryMs: 600_000 });
  /** Returns changed settings late. */
  const late = await openSimulator({ startingMs: 100, webhookRetryMs: 600_000, settingsMs: 1_500 });
  const upstreamHosts = [simulator.url, late.url];
  const test = await openTestGateway({ publicUrl: PUBLIC_URL, upstreamHosts, settingsReadBackMs: 4_000 });
  /** Another gateway of the same installation, without a public URL. */
  const second = await openTestGateway({ namespace: test.namespace, upstreamHosts });
  /** Reads back for the default time. */
  const patient = await openTestGateway({ namespace: test.namespace, publicUrl: PUBLIC_URL, upstreamHosts });
  return { simulator, late, test, second, patient };
}

function createCalls({ simulator, test }: Awaited<ReturnType<typeof openGateways>>) {
  const { apiKey, webhookToken } = test.tenant;
  const ours = (tenant: Pick<TestTenant, 'id'> = test.tenant): string => `${PUBLIC_URL}/v1/webhooks/green-api/${tenant.id}`;

  function expectNoSecret(text: string): void {
    for (const secret of [webhookToken, 'wt_', 'elsewhere', 'another-token', simulator.url]) expect(text).not.toContain(secret);
  }

  return {
    ours,
    expectNoSecret,
    rightSettings: (): Partial<ProviderSettings> => ({ stateWebhook: 'yes', webhookUrl: ours(), webhookUrlToken: webhookToken }),

    /** A session that nobody watches, of an instance with these settings. */
    async made(settings: Partial<ProviderSettings> = {}, at = simulator): Promise<Made> {
      const instance = at.createInstance();
      instance.changeSettings(settings);
      const { session, ticket } = await test.create({ instanceId: instance.idInstance, apiToken: instance.apiToken, apiUrl: at.url });
      return { instance, id: session.id, ticket };
    },

    async check({ id }: Pick<Made, 'id'>, by = test): Promise<Webhook & { readonly codes: readonly string[] }> {
      const { status, text } = await by.call('GET', webhookPath(id), { secret: apiKey });
      expect([status, text]).toEqual([200, expect.any(String)]);
      expectNoSecret(text);
      const { webhook } = JSON.parse(text) as { webhook: Webhook };
      return { ...webhook, codes: webhook.findings.map(({ code }) => code) };
    },

    set: ({ id }: Pick<Made, 'id'>, body: object = {}, by = test): Promise<Answer> =>
      by.call('POST', webhookPath(id), { secret: apiKey, body: { webhookToken, ...body } }),

    answered({ status, text }: Answer): SetWebhookAnswer & { readonly codes: readonly string[] } {
      expect([status, text]).toEqual([200, expect.any(String)]);
      expectNoSecret(text);
      const answer = JSON.parse(text) as SetWebhookAnswer;
      return { ...answer, codes: answer.webhook.findings.map(({ code }) => code) };
    },
  };
}
